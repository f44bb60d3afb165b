"""The token in the requests of an httpx client."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

    from ._native import AccessToken, Client

try:
    import httpx
except ImportError as _missing:
    raise ImportError(
        "prove_token.httpx needs httpx: pip install 'prove-token[httpx]'"
    ) from _missing

from ._async import token_of
from ._authorize import Bearer

__all__ = ["BearerAuth"]


class BearerAuth(httpx.Auth):
    """Puts the token of a client into each request to its API, and into no other.

    When the API answers 401 because of the token, it asks for another and sends the
    request once more; a body that streams is never sent twice. It works with httpx.Client
    and httpx.AsyncClient, and with either client of this package.

    The API is the client's api_base unless another is named; only requests to its scheme,
    host and port get a token.
    """

    def __init__(self, client: "Client", *, api_base: "str | None" = None) -> None:
        self._bearer = Bearer(client, api_base)

    def sync_auth_flow(
        self, request: httpx.Request
    ) -> "Generator[httpx.Request, httpx.Response, None]":
        """For httpx.Client."""
        if not self._bearer.is_for(str(request.url)):
            yield request
            return
        token = self._bearer.client._wait()
        response = yield _with(token, request)
        if self._is_over(request, response):
            return
        replacement = self._bearer.replacement(token)
        if replacement is not None:
            yield _with(replacement, request)

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> "AsyncGenerator[httpx.Request, httpx.Response]":
        """For httpx.AsyncClient."""
        if not self._bearer.is_for(str(request.url)):
            yield request
            return
        token = await token_of(self._bearer.client)
        response = yield _with(token, request)
        if self._is_over(request, response):
            return
        replacement = await self._bearer.replacement_async(token)
        if replacement is not None:
            yield _with(replacement, request)

    def _is_over(self, request: httpx.Request, response: httpx.Response) -> bool:
        """Whether the answer is final. After redirects it may come from anywhere."""
        if response.status_code != 401:
            return True
        rejects = self._bearer.rejects(
            response.headers.get_list("WWW-Authenticate"), str(response.request.url)
        )
        return not rejects or not isinstance(request.stream, httpx.ByteStream)


def _with(token: "AccessToken", request: httpx.Request) -> httpx.Request:
    request.headers["Authorization"] = token.authorization_header
    return request
