"""The client for asyncio: the same engine, awaited."""

from ._native import AccessToken, Call, Client

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing_extensions import Self


class AsyncTokenClient(Client):
    """Obtains access tokens and hands them out while they live, for asyncio.

    It takes what TokenClient takes. One client is enough for any number of tasks and of
    event loops. A task that is cancelled while it waits takes nothing from the others.
    """

    __slots__ = ()

    async def access_token(
        self,
        *,
        min_validity: "float | None" = None,
        timeout: "float | None" = None,
        force: bool = False,
    ) -> AccessToken:
        """A usable token: from the cache, without a turn of the event loop, or else from
        the server.

        It should live min_validity seconds more (half of its life counts at most).
        timeout is the longest wait in seconds, 30 unless it is given; with 0 the call
        never waits, but a request begins. With force the token must be newer than the one
        at hand.
        """
        begun = self._begin(min_validity, timeout, force)
        return begun if type(begun) is AccessToken else await outcome(begun)

    async def authorization_header(
        self,
        *,
        min_validity: "float | None" = None,
        timeout: "float | None" = None,
        force: bool = False,
    ) -> str:
        """ "Bearer " and a usable token, for the header Authorization."""
        begun = self._begin(min_validity, timeout, force)
        token = begun if type(begun) is AccessToken else await outcome(begun)
        return token.authorization_header

    async def aclose(self) -> None:
        """Ends the client, as close() does."""
        self.close()

    async def __aenter__(self) -> "Self":
        return self

    async def __aexit__(self, *exception: object) -> None:
        self.close()


async def token_of(client: Client) -> AccessToken:
    """A usable token of either client, awaited."""
    begun = client._begin()
    return begun if type(begun) is AccessToken else await outcome(begun)


async def outcome(call: Call) -> AccessToken:
    """Waits for a call that has begun."""
    from asyncio import get_running_loop

    event_loop = get_running_loop()
    while True:
        future = event_loop.create_future()
        token = call.poll(event_loop, future)
        if token is not None:
            return token
        await future
