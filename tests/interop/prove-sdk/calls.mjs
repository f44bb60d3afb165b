// Calls the API with Prove's SDK as it comes from npm, many times at once. What it is
// given is JSON on its first line of standard input:
//   {"server", "token_url", "client_id", "client_secret"}
// Each further line is a round, {"calls", "new_objects"}: so many parallel calls, with
// one SDK object for all, or a new one for each. Each round answers one line of JSON,
// {"succeeded", "failures"}. It ends when its standard input closes.
import { createInterface } from 'node:readline';
import sdk from '@prove-identity/prove-api';

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const { value } = await lines.next();
const settings = JSON.parse(value);

// As in the SDK's own example.
const make = () => new sdk.Proveapi({
  serverURL: settings.server,
  security: {
    clientID: settings.client_id,
    clientSecret: settings.client_secret,
    ...(settings.token_url && { tokenURL: settings.token_url }),
  },
});
const one = make();

async function call(client) {
  const started = await client.v3.v3StartRequest({
    flowType: 'desktop',
    phoneNumber: '2001001695',
    finalTargetUrl: 'https://www.example.com',
  });
  if (!started.v3StartResponse?.correlationId) throw new Error('no correlation id');
}

for await (const line of lines) {
  const { calls, new_objects } = JSON.parse(line);
  const clients = Array.from({ length: calls }, () => (new_objects ? make() : one));
  const outcomes = await Promise.allSettled(clients.map(call));
  const failed = outcomes.filter((outcome) => outcome.status === 'rejected');
  console.log(JSON.stringify({
    succeeded: calls - failed.length,
    failures: failed.map((outcome) => String(outcome.reason)).slice(0, 3),
  }));
}
