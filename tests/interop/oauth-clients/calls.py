"""Gets tokens with OAuth clients as they come from PyPI, and calls the API with each.

What it is given is JSON on standard input:

    {"token_url", "api", "client_id", "client_secret", "socket"}

Each client authenticates by Basic and in the body, and then calls /v3/start below
"api"; if there is a "socket", one more reaches both through it. Each answers one line of
JSON:

    {"client", "method", "token_type", "expires_in", "status"}

or, if it got no token, {"client", "method", "error"} with what the client made of it.
"""

import json
import os
import sys

# Without it oauthlib speaks to nobody but over TLS, not even to this machine.
os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"

from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import OAuth2Client
from authlib.integrations.requests_client import OAuth2Session
from httpx import HTTPTransport
from oauthlib.oauth2 import BackendApplicationClient, OAuth2Error
from requests.auth import HTTPBasicAuth
import requests_oauthlib

METHODS = ["client_secret_basic", "client_secret_post"]

START = {
    "flowType": "desktop",
    "phoneNumber": "2001001695",
    "finalTargetUrl": "https://www.example.com",
}


def authlib(kind, **options):
    """How a client of Authlib gets a token; with requests and with httpx it is the same."""

    def session(settings, method):
        client = kind(
            settings["client_id"],
            settings["client_secret"],
            token_endpoint_auth_method=method,
            **options,
        )
        token = client.fetch_token(settings["token_url"], grant_type="client_credentials")
        return client, token

    return session


def oauthlib(settings, method):
    """As in the documentation of requests-oauthlib, for the backend application flow."""
    name, key = settings["client_id"], settings["client_secret"]
    client = requests_oauthlib.OAuth2Session(client=BackendApplicationClient(client_id=name))
    if method == "client_secret_basic":
        how = {"auth": HTTPBasicAuth(name, key)}
    else:
        how = {"client_id": name, "client_secret": key, "include_client_id": True}
    return client, client.fetch_token(settings["token_url"], **how)


def answer(session, settings, method):
    """What becomes of one client."""
    try:
        client, token = session(settings, method)
    except (OAuthError, OAuth2Error) as error:
        return {"error": f"{error.error}: {error.description}"}
    started = client.post(settings["api"] + "/v3/start", json=START)
    return {
        "token_type": token["token_type"],
        "expires_in": token["expires_in"],
        "status": started.status_code,
    }


def main():
    settings = json.load(sys.stdin)
    clients = {
        "authlib": authlib(OAuth2Session),
        "authlib with httpx": authlib(OAuth2Client),
        "requests-oauthlib": oauthlib,
    }
    if settings["socket"]:
        transport = HTTPTransport(uds=settings["socket"])
        clients["authlib with httpx, by socket"] = authlib(OAuth2Client, transport=transport)
    for name, session in clients.items():
        for method in METHODS:
            line = {"client": name, "method": method, **answer(session, settings, method)}
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
