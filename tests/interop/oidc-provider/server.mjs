// An authorization server for the interop tests: oidc-provider with the client
// credentials grant, on a free loopback port. It prints one line of JSON when it
// is ready and ends when its standard input closes. ../README.md has the rest.
//
// What oidc-provider 9.13 accepts as client authentication, tried by hand:
//   client_secret_basic, form-encoded, space as +        200
//   client_secret_basic, percent-encoded, space as %20   200
//   client_secret_basic, raw, secret with +              401 invalid_client
//   client_secret_basic, raw, secret with %41            401 invalid_client
//   client_secret_basic, raw, secret with a bare %       400 invalid_request
//   client_secret_basic, any encoding, secret with ü     400 invalid_request
//   client_secret_post, any secret                       200
// Both methods work for either registration, but not both in one request. The
// decoder of the Basic header refuses what is outside %x20-7E before it looks up
// any client, so a secret with ü works in the body only.
//
// Scope: one the server knows but the client may not have is `invalid_scope`; one
// that the server does not know is dropped without a word, and the answer then
// has no `scope` member although less was granted than asked.
import { createServer } from 'node:http';
import { generateKeyPairSync } from 'node:crypto';
import { Provider } from 'oidc-provider';

const RESOURCE = 'https://api.example.com';
const SCOPES = ['read', 'write', 'admin'];

// The documented characters that clients get wrong: + & = % space, and ü.
const DEFAULT_CLIENTS = [
  {
    client_id: 'post+client',
    client_secret: 'p+o&s=t% s%41cret ü',
    token_endpoint_auth_method: 'client_secret_post',
    scope: 'read write',
  },
  {
    client_id: 'basic+client',
    client_secret: 'b+a&s=i% c%41:secret',
    token_endpoint_auth_method: 'client_secret_basic',
    scope: 'read write',
  },
];

const clients = process.env.INTEROP_CLIENTS
  ? JSON.parse(process.env.INTEROP_CLIENTS)
  : DEFAULT_CLIENTS;

const server = createServer();
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  server.on('request', authorizationServer(issuer).callback());
  console.log(JSON.stringify({
    issuer,
    token_endpoint: `${issuer}/token`,
    introspection_endpoint: `${issuer}/token/introspection`,
    resource: RESOURCE,
    clients,
  }));
});

process.stdin.resume();
process.stdin.on('close', () => process.exit(0));

function authorizationServer(issuer) {
  const provider = new Provider(issuer, {
    clients: clients.map(registration),
    scopes: SCOPES,
    jwks: { keys: [signingKey()] },
    cookies: { keys: ['unused: no browser comes here'] },
    ttl: { ClientCredentials: 3600 },
    features: {
      clientCredentials: { enabled: true },
      introspection: { enabled: true },
      devInteractions: { enabled: false },
      // With `resource` the token is a JWT, without it an opaque string.
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo(_ctx, resource) {
          if (resource !== RESOURCE) throw unknownResource(resource);
          return {
            scope: SCOPES.join(' '),
            accessTokenFormat: 'jwt',
            jwt: { sign: { alg: 'RS256' } },
          };
        },
      },
    },
  });
  compareRealSecrets(provider);
  return provider;
}

// The metadata check allows only the characters of RFC 6749's VSCHAR in a secret
// while real servers issue others. So each client is registered with a
// stand-in, and the comparison, the documented place to change how secrets are
// kept, uses the real one.
function registration({ client_secret: _, ...metadata }) {
  return {
    ...metadata,
    client_secret: 'stand-in',
    grant_types: ['client_credentials'],
    response_types: [],
    redirect_uris: [],
  };
}

function compareRealSecrets(provider) {
  const secrets = new Map(clients.map((client) => [client.client_id, client.client_secret]));
  provider.Client.prototype.compareClientSecret = function compare(actual) {
    return secrets.get(this.clientId) === actual;
  };
}

function signingKey() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256' };
}

function unknownResource(resource) {
  return Object.assign(new Error('invalid_target'), {
    status: 400,
    statusCode: 400,
    expose: true,
    error: 'invalid_target',
    error_description: `resource ${JSON.stringify(resource)} is not served here`,
  });
}
