"""What users write, for the type checkers; nothing runs it."""

import asyncio
import datetime
from collections.abc import Callable

import aiohttp
import httpx
import prove_token
import pytest
import requests


def sync() -> None:
    client = prove_token.TokenClient(
        environment="uat-us",
        client_id="a",
        client_secret=lambda: "b",
        scope=["read"],
        on_event=print,
    )
    token: prove_token.AccessToken = client.access_token(min_validity=60, timeout=5.0)
    value: str = token.value
    ends: datetime.datetime = token.expires_at
    left: float = token.expires_in
    client.invalidate(token)
    with prove_token.TokenClient.from_env() as other:
        header: str = other.authorization_header(force=True)
    print(value, ends, left, header, client.api_base or "")


async def awaited() -> None:
    async with prove_token.AsyncTokenClient.from_profile("prove-uat", config="c.toml") as client:
        token: prove_token.AccessToken = await client.access_token(timeout=1)
        header: str = await client.authorization_header()
        auth = prove_token.httpx.BearerAuth(client)
        async with httpx.AsyncClient(auth=auth) as api:
            print(await api.get("/"), token, header)
        middleware = prove_token.aiohttp.BearerAuth(client, api_base="https://api.example.com")
        async with aiohttp.ClientSession(middlewares=(middleware,)) as session:
            print(session)


def integrations(client: prove_token.TokenClient) -> None:
    httpx.Client(base_url=client.api_base or "", auth=prove_token.httpx.BearerAuth(client))
    session = requests.Session()
    session.auth = prove_token.requests.BearerAuth(client)


def errors() -> None:
    try:
        asyncio.run(awaited())
    except prove_token.TimeoutError as error:
        built_in: TimeoutError = error
        wait: float | None = error.retry_after
        status: int | None = error.status
        print(built_in, wait, status, error.hint, error.retryable)
    except prove_token.ProveTokenError as error:
        print(error.kind, error.error_response)


def events(event: prove_token.Event) -> str:
    return f"{event.name} {event.details}"


listener: Callable[[prove_token.Event], object] = events


def test_with_the_fixture(prove_emulator: prove_token.Emulator) -> None:
    client = prove_token.TokenClient(**prove_emulator.settings, on_event=events)
    prove_emulator.inject("status=503")
    with pytest.raises(prove_token.UnavailableError):
        client.access_token(timeout=0)
    with prove_token.emulator(lifetime=60) as other:
        print(other.url, other.token_requests)
