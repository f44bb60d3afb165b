"""The token in the requests of an aiohttp session."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._native import AccessToken, Client

try:
    import aiohttp
    from aiohttp.payload import BytesPayload
except ImportError as _missing:
    raise ImportError(
        "prove_token.aiohttp needs aiohttp: pip install 'prove-token[aiohttp]'"
    ) from _missing

from ._async import token_of
from ._authorize import Bearer

__all__ = ["BearerAuth"]


class BearerAuth:
    """A middleware for aiohttp.ClientSession(middlewares=(BearerAuth(client),)).

    It puts the token of a client into each request to its API, and into no other. When
    the API answers 401 because of the token, it asks for another and sends the request
    once more; a body that streams is never sent twice. Either client of this package will
    do.

    The API is the client's api_base unless another is named; only requests to its scheme,
    host and port get a token.
    """

    def __init__(self, client: "Client", *, api_base: "str | None" = None) -> None:
        self._bearer = Bearer(client, api_base)

    async def __call__(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """For aiohttp: the answer to the request with the token."""
        if not self._bearer.is_for(str(request.url)):
            return await handler(request)
        token = await token_of(self._bearer.client)
        _put(token, request)
        response = await handler(request)
        if response.status != 401:
            return response
        challenges = response.headers.getall("WWW-Authenticate", [])
        rejects = self._bearer.rejects(challenges, str(response.url))
        if not rejects or not _is_replayable(request):
            return response
        replacement = await self._bearer.replacement_async(token)
        if replacement is None:
            return response
        response.release()
        _put(replacement, request)
        return await handler(request)


def _put(token: "AccessToken", request: aiohttp.ClientRequest) -> None:
    request.headers["Authorization"] = token.authorization_header


def _is_replayable(request: aiohttp.ClientRequest) -> bool:
    body: object = request.body
    return not body or isinstance(body, (bytes, BytesPayload))
