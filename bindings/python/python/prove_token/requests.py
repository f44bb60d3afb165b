"""The token in the requests of a requests session."""

from functools import partial

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._native import AccessToken, Client

try:
    import requests
    import requests.auth
except ImportError as _missing:
    raise ImportError(
        "prove_token.requests needs requests: pip install 'prove-token[requests]'"
    ) from _missing

from ._authorize import Bearer

__all__ = ["BearerAuth"]


class BearerAuth(requests.auth.AuthBase):
    """Puts the token of a client into each request to its API, and into no other.

    When the API answers 401 because of the token, it asks for another and sends the
    request once more; a body that streams is never sent twice. Either client of this
    package will do.

    The API is the client's api_base unless another is named; only requests to its scheme,
    host and port get a token.
    """

    def __init__(self, client: "Client", *, api_base: "str | None" = None) -> None:
        self._bearer = Bearer(client, api_base)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """For requests: the request with the token."""
        if self._bearer.is_for(request.url or ""):
            token = self._bearer.client._wait()
            request.headers["Authorization"] = token.authorization_header
            request.hooks["response"].append(partial(self._answered, token))
        return request

    def _answered(
        self, token: "AccessToken", response: requests.Response, **how: "Any"
    ) -> requests.Response:
        """The answer, or that to the same request with another token."""
        if response.status_code != 401:
            return response
        request = response.request
        challenge = response.headers.get("WWW-Authenticate")
        rejects = self._bearer.rejects([challenge] if challenge else [], request.url or "")
        if not rejects or not isinstance(request.body, (str, bytes, type(None))):
            return response
        replacement = self._bearer.replacement(token)
        if replacement is None:
            return response
        # Read to its end, so that the connection can be used again.
        response.content
        response.close()
        again = request.copy()
        again.headers["Authorization"] = replacement.authorization_header
        answer: requests.Response = response.connection.send(again, **how)
        answer.history.append(response)
        answer.request = again
        return answer
