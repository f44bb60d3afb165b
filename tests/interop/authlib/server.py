"""An authorization server for the interop tests, built with Authlib and Flask.

It serves the client credentials grant on a free loopback port, prints one line of
JSON when it is ready and ends when its standard input closes. ../README.md has
the rest.

What Authlib 1.9 accepts as client authentication, tried by hand:

    client_secret_basic, raw                                    200
    client_secret_basic, raw, secret with % and two hex digits  401
    client_secret_basic, form-encoded, space as +               401
    client_secret_basic, percent-encoded, space as %20          200
    client_secret_post                                          200

It undoes %XX in the Basic header but leaves + alone, so only a secret with a
space (or one that happens to contain %XX) tells the raw style from RFC 6749's.
Each client may use only the method it is registered with.
"""

import json
import logging
import os
import secrets
import sys
import threading

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin, grants, list_to_scope, scope_to_list
from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

SCOPES = ["read", "write", "admin"]

# The documented characters that clients get wrong: + & = % space, and ü.
DEFAULT_CLIENTS = [
    {
        "client_id": "post+client",
        "client_secret": "p+o&s=t% s%41cret ü",
        "token_endpoint_auth_method": "client_secret_post",
        "scope": "read write",
    },
    {
        "client_id": "basic+client",
        "client_secret": "b+a&s=i% c:sécret ü",
        "token_endpoint_auth_method": "client_secret_basic",
        "scope": "read write",
    },
]


class Client(ClientMixin):
    """A registered client, straight from its metadata."""

    def __init__(self, metadata):
        self.client_id = metadata["client_id"]
        self.secret = metadata["client_secret"].encode()
        self.method = metadata["token_endpoint_auth_method"]
        self.scopes = scope_to_list(metadata["scope"])

    def check_client_secret(self, client_secret):
        return secrets.compare_digest(self.secret, client_secret.encode())

    def check_endpoint_auth_method(self, method, endpoint):
        return method == self.method

    def check_grant_type(self, grant_type):
        return grant_type == "client_credentials"

    def get_allowed_scope(self, scope):
        return list_to_scope([s for s in scope_to_list(scope or "") if s in self.scopes])


class ClientCredentialsGrant(grants.ClientCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic", "client_secret_post"]


class QuietHandler(WSGIRequestHandler):
    """The stock handler without its line per request on standard error."""

    def log_request(self, *_args):
        pass


def application(clients):
    """A Flask application with one operation: POST /token."""
    app = Flask(__name__)
    app.config["OAUTH2_SCOPES_SUPPORTED"] = SCOPES
    app.config["OAUTH2_TOKEN_EXPIRES_IN"] = {"client_credentials": 3600}
    registry = {metadata["client_id"]: Client(metadata) for metadata in clients}
    server = AuthorizationServer(
        app, query_client=registry.get, save_token=lambda token, request: None
    )
    server.register_grant(ClientCredentialsGrant)

    @app.post("/token")
    def token():
        return server.create_token_response()

    return app


def main():
    clients = DEFAULT_CLIENTS
    if os.environ.get("INTEROP_CLIENTS"):
        clients = json.loads(os.environ["INTEROP_CLIENTS"])
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server(
        "127.0.0.1", 0, application(clients), threaded=True, request_handler=QuietHandler
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    issuer = f"http://127.0.0.1:{server.server_port}"
    ready = {"issuer": issuer, "token_endpoint": f"{issuer}/token", "clients": clients}
    print(json.dumps(ready), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
