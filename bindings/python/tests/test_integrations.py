"""Real clients of HTTP: httpx, requests and aiohttp."""

import asyncio
import contextlib
import io

import aiohttp
import httpx
import prove_token
import pytest
import requests
from canary import leak
from play import answer, playing

START = {
    "flowType": "desktop",
    "phoneNumber": "2001001695",
    "finalTargetUrl": "https://www.example.com",
}
INDIVIDUAL = {"firstName": "Tod", "lastName": "Weedall", "dob": "1984-12-10"}


def flow():
    """The requests of Prove's flow: path and body, each told the answer before."""
    started = yield "/v3/start", START
    step = {"correlationId": started["correlationId"]}
    yield "/v3/validate", step
    yield "/v3/challenge", {**step, "dob": "1984-12-10"}
    yield "/v3/complete", {**step, "individual": INDIVIDUAL}


def walk(post, emulator):
    """Walks the flow; in its middle all tokens are revoked."""
    steps, answer_before = flow(), None
    with contextlib.suppress(StopIteration):
        while True:
            path, body = steps.send(answer_before)
            if path == "/v3/challenge":
                emulator.revoke_all_tokens()
            answer_before = post(path, body)
    check(answer_before, emulator)


def check(last, emulator):
    assert last["success"] is True
    assert emulator.token_requests == 2
    paths = [path for _, path in emulator.requests() if path != "/token"]
    assert paths == ["/v3/start", "/v3/validate", "/v3/challenge", "/v3/challenge", "/v3/complete"]


def test_httpx_walks_the_flow(emulator, client):
    auth = prove_token.httpx.BearerAuth(client)
    with httpx.Client(base_url=client.api_base, auth=auth, trust_env=False) as session:
        walk(lambda path, body: session.post(path, json=body).raise_for_status().json(), emulator)


def test_requests_walks_the_flow(emulator, client):
    with requests.Session() as session:
        session.auth = prove_token.requests.BearerAuth(client)

        def post(path, body):
            response = session.post(client.api_base + path, json=body)
            response.raise_for_status()
            return response.json()

        walk(post, emulator)


@pytest.mark.parametrize("kind", [prove_token.TokenClient, prove_token.AsyncTokenClient])
def test_async_httpx_walks_the_flow(emulator, kind):
    client = kind(**emulator.settings)
    auth = prove_token.httpx.BearerAuth(client)

    async def main():
        async with httpx.AsyncClient(base_url=emulator.url, auth=auth, trust_env=False) as session:

            async def post(path, body):
                return (await session.post(path, json=body)).raise_for_status().json()

            await walk_async(post, emulator)

    asyncio.run(main())


@pytest.mark.parametrize("kind", [prove_token.TokenClient, prove_token.AsyncTokenClient])
def test_aiohttp_walks_the_flow(emulator, kind):
    auth = prove_token.aiohttp.BearerAuth(kind(**emulator.settings))

    async def main():
        async with aiohttp.ClientSession(emulator.url, middlewares=(auth,)) as session:

            async def post(path, body):
                async with session.post(path, json=body, raise_for_status=True) as response:
                    return await response.json()

            await walk_async(post, emulator)

    asyncio.run(main())


async def walk_async(post, emulator):
    steps, answer_before = flow(), None
    with contextlib.suppress(StopIteration):
        while True:
            path, body = steps.send(answer_before)
            if path == "/v3/challenge":
                emulator.revoke_all_tokens()
            answer_before = await post(path, body)
    check(answer_before, emulator)


class Ways:
    """The same request by each library."""

    @staticmethod
    def httpx(client, url, **how):
        auth = prove_token.httpx.BearerAuth(client, **how.pop("api", {}))
        with httpx.Client(auth=auth, trust_env=False, follow_redirects=True) as session:
            return session.post(url, **how).status_code

    @staticmethod
    def httpx_async(client, url, **how):
        auth = prove_token.httpx.BearerAuth(client, **how.pop("api", {}))
        content = how.get("content")
        if content is not None and not isinstance(content, bytes):
            how["content"] = streamed(content)

        async def main():
            session = httpx.AsyncClient(auth=auth, trust_env=False, follow_redirects=True)
            async with session:
                return (await session.post(url, **how)).status_code

        return asyncio.run(main())

    @staticmethod
    def requests(client, url, **how):
        if "content" in how:
            how["data"] = how.pop("content")
        with requests.Session() as session:
            session.auth = prove_token.requests.BearerAuth(client, **how.pop("api", {}))
            return session.post(url, **how).status_code

    @staticmethod
    def aiohttp(client, url, **how):
        auth = prove_token.aiohttp.BearerAuth(client, **how.pop("api", {}))
        if "content" in how:
            content = how.pop("content")
            how["data"] = content if isinstance(content, bytes) else streamed(content)

        async def main():
            async with aiohttp.ClientSession(middlewares=(auth,)) as session:
                async with session.post(url, **how) as response:
                    return response.status

        return asyncio.run(main())


async def streamed(content):
    for part in content:
        yield part


ways = pytest.mark.parametrize(
    "way", [Ways.httpx, Ways.httpx_async, Ways.requests, Ways.aiohttp], ids=lambda way: way.__name__
)


def authorizations(server):
    """The values of Authorization, one for each request."""
    return [
        [line.partition(": ")[2] for line in head.splitlines() if line.lower().startswith("auth")]
        for head, _ in server.requests
    ]


@ways
def test_no_other_origin_gets_a_token(way, emulator, client):
    with playing(answer(401)) as other:
        assert way(client, f"{other.url}/v3/start") == 401
        # Another name of the same host is another origin.
        named = other.url.replace("127.0.0.1", "localhost")
        assert way(client, other.url, api={"api_base": named}) == 401
    assert authorizations(other) == [[], []]
    assert emulator.token_requests == 0


@ways
def test_the_token_takes_the_place_of_what_is_there(way, client):
    with playing(answer(200)) as api:
        own = {"Authorization": "Basic eA=="}
        assert way(client, api.url, headers=own, api={"api_base": api.url}) == 200
    assert authorizations(api) == [[client.authorization_header()]]


@ways
def test_a_rejected_token_is_replaced_once(way, emulator, client):
    old = client.authorization_header()
    with playing(answer(401, "{}", ("WWW-Authenticate", 'Bearer error="invalid_token"'))) as api:
        assert way(client, api.url, content=b"body", api={"api_base": api.url}) == 401
    assert authorizations(api) == [[old], [client.authorization_header()]]
    assert [body for _, body in api.requests] == ["body", "body"]
    assert emulator.token_requests == 2


@ways
def test_another_reason_than_the_token_is_final(way, emulator, client):
    challenge = ("WWW-Authenticate", 'Bearer error="insufficient_scope"')
    with playing(answer(401, "", challenge)) as api:
        assert way(client, api.url, api={"api_base": api.url}) == 401
    with playing(answer(403)) as api:
        assert way(client, api.url, api={"api_base": api.url}) == 403
    assert emulator.token_requests == 1


@ways
def test_a_body_that_streams_is_never_sent_twice(way, emulator, client):
    with playing(answer(401), answer(200)) as api:
        content = iter([b"one", b"two"])
        assert way(client, api.url, content=content, api={"api_base": api.url}) == 401
    assert len(api.requests) == 1


@ways
def test_a_redirect_takes_no_token_to_another_origin(way, emulator, client):
    with playing(answer(401)) as other:
        moved = answer(307, "", ("Location", f"{other.url}/elsewhere"))
        with playing(moved) as api:
            assert way(client, api.url, api={"api_base": api.url}) == 401
    assert authorizations(api) == [[client.authorization_header()]]
    assert authorizations(other) == [[]]
    # Nor can that origin reject the token.
    assert emulator.token_requests == 1


@ways
def test_an_error_of_the_client_reaches_the_caller(way, emulator, client):
    emulator.inject("status=401")
    with playing(answer(200)) as api:
        with pytest.raises(prove_token.RejectedError):
            way(client, api.url, api={"api_base": api.url})
    assert api.requests == []


def test_a_client_without_an_api_needs_one():
    client = prove_token.TokenClient(
        token_endpoint="https://idp.example.com/token", client_id="a", client_secret="b"
    )
    for module in (prove_token.httpx, prove_token.requests, prove_token.aiohttp):
        with pytest.raises(prove_token.ConfigurationError, match="which API") as raised:
            module.BearerAuth(client)
        assert "api_base" in raised.value.hint
        with pytest.raises(prove_token.ConfigurationError):
            module.BearerAuth(client, api_base="ftp://a")
        with pytest.raises(TypeError, match="client must be a TokenClient"):
            module.BearerAuth("client")
        assert leak(repr(module.BearerAuth(client, api_base="https://a.example"))) is None


def test_a_file_is_sent_once(emulator, client):
    with playing(answer(401), answer(200)) as api:
        with requests.Session() as session:
            session.auth = prove_token.requests.BearerAuth(client, api_base=api.url)
            assert session.post(api.url, data=io.BytesIO(b"file")).status_code == 401
    assert [body for _, body in api.requests] == ["file"]
