"""Whose token goes where: what the integrations are made of."""

from ._async import token_of
from ._errors import ConfigurationError
from ._native import Api, Client, rejects_token

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ._native import AccessToken


class Bearer:
    """A client, and the one API that its tokens go to."""

    __slots__ = ("client", "is_for")

    def __init__(self, client: Client, api_base: "str | None") -> None:
        if not isinstance(client, Client):
            raise TypeError(
                f"client must be a TokenClient or an AsyncTokenClient, not {type(client).__name__}"
            )
        base = api_base if api_base is not None else client.api_base
        if base is None:
            raise ConfigurationError(
                "nothing says which API the token is for",
                kind="configuration",
                hint="give api_base, here or to the client",
            )
        self.client = client
        self.is_for = Api(base).is_at

    def rejects(self, challenges: "Sequence[str]", url: str) -> bool:
        """Whether a 401 from this URL says that the token is no good any more."""
        return self.is_for(url) and rejects_token(401, list(challenges))

    def replacement(self, rejected: "AccessToken") -> "AccessToken | None":
        """The token to try in place of one that was rejected; None if it is the same."""
        self.client.invalidate(rejected)
        token = self.client._wait()
        return token if token.value != rejected.value else None

    async def replacement_async(self, rejected: "AccessToken") -> "AccessToken | None":
        """As replacement, awaited."""
        self.client.invalidate(rejected)
        token = await token_of(self.client)
        return token if token.value != rejected.value else None
