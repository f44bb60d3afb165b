"""The native module, as the files of the package use it. Import prove_token instead."""

from collections.abc import Callable, Sequence
from datetime import datetime
from os import PathLike
from types import TracebackType
from typing import Any, Literal, NoReturn, TypedDict, final

from typing_extensions import Self, disjoint_base

__all__ = [
    "AccessToken",
    "Answer",
    "Api",
    "Call",
    "Client",
    "Emulator",
    "Event",
    "TokenClient",
    "__version__",
    "after_fork_in_child",
    "emulator",
    "main",
    "rejects_token",
]

__version__: str

_Environment = Literal["uat-us", "prod-us", "uat-eu", "prod-eu", "emulator"]
_Authentication = Literal["client_secret_post", "client_secret_basic", "client_secret_basic_raw"]

@final
class AccessToken:
    """A bearer token that was usable when it was handed out.

    Ask the client again for the next request: that costs nothing while the token
    lives. str() and repr() are redacted; the text is in value. A token can neither
    be pickled nor copied."""

    @property
    def value(self) -> str:
        """The token's text."""

    @property
    def token_type(self) -> str:
        """Always "Bearer" (RFC 6750)."""

    @property
    def authorization_header(self) -> str:
        """ "Bearer " and the token's text, for the header Authorization."""

    @property
    def expires_at(self) -> datetime:
        """When the token ends, in UTC; counted from before it was asked for."""

    @property
    def expires_in(self) -> float:
        """What is left of the token's life, in seconds; 0 when it has ended."""

    @property
    def lifetime(self) -> float:
        """The token's whole life in seconds, at most a day."""

    @property
    def scope(self) -> list[str] | None:
        """The scope that was granted, sorted; None if the server named none, which means
        the one that was asked for."""

    @property
    def refresh_token(self) -> str | None:
        """The refresh token that some servers send with it, or None."""

    @property
    def refresh_expires_in(self) -> float | None:
        """How long the refresh token lives, in seconds, or None."""

    def __reduce_ex__(self, _protocol: object, /) -> NoReturn: ...

@final
class Event:
    """Something that happened while a token was obtained. It holds no token and no secret."""

    @property
    def name(self) -> str:
        """One of attempt_started, attempt_failed, token_obtained, renewal_failed,
        token_rejected, cool_down_entered, token_restored, store_missed and
        store_unavailable."""

    @property
    def details(self) -> dict[str, Any]:
        """What belongs to it; times are in seconds."""

@disjoint_base
class Client:
    """What both clients have in common."""

    def __new__(
        cls,
        *,
        environment: _Environment | None = None,
        token_endpoint: str | None = None,
        client_id: str | None = None,
        client_secret: str | Callable[[], str] | None = None,
        client_authentication: _Authentication | None = None,
        scope: str | Sequence[str] | None = None,
        accept_narrower_scope: bool | None = None,
        audience: str | None = None,
        resource: str | None = None,
        parameters: dict[str, str] | None = None,
        api_base: str | None = None,
        ca_file: str | PathLike[str] | None = None,
        proxy: str | None = None,
        connect_timeout: float | None = None,
        attempt_timeout: float | None = None,
        flight_timeout: float | None = None,
        default_lifetime: float | None = None,
        on_event: Callable[[Event], object] | None = None,
    ) -> Self: ...
    @classmethod
    def from_env(cls, *, on_event: Callable[[Event], object] | None = None) -> Self:
        """A client of the profile "env", which PROVE_CLIENT_ID, PROVE_CLIENT_SECRET (or
        PROVE_CLIENT_SECRET_FILE) and PROVE_ENVIRONMENT make.

        Raises ConfigurationError if one is missing or wrong."""

    @classmethod
    def from_profile(
        cls,
        name: str | None = None,
        *,
        config: str | PathLike[str] | None = None,
        on_event: Callable[[Event], object] | None = None,
    ) -> Self:
        """A client of a profile of the configuration file, by the rules of the command
        prove-token. Without a name: PROVE_TOKEN_PROFILE, else "env" if PROVE_CLIENT_ID is
        set, else the file's default_profile. All clients of a profile share one cache.

        Raises ConfigurationError if there is no such profile, or with all that is wrong
        with the file."""

    def invalidate(self, token: AccessToken) -> None:
        """Says that an API rejected this token (status 401), so that the next call asks
        for another. Of a token that was replaced already it does nothing."""

    @property
    def api_base(self) -> str | None:
        """Where the API's operations are; None if nothing says so."""

    @property
    def token_endpoint(self) -> str:
        """Where tokens come from."""

    def close(self) -> None:
        """Ends the client; calls of it raise RuntimeError from then on. Others of the same
        profile are not affected."""

    def _wait(self) -> AccessToken: ...
    def _begin(
        self,
        min_validity: float | None = None,
        timeout: float | None = None,
        force: bool = False,
    ) -> AccessToken | Call: ...
    def __reduce_ex__(self, _protocol: object, /) -> NoReturn: ...

class TokenClient(Client):
    """Obtains access tokens and hands them out while they live, for threads. One client is
    enough for any number of them.

    Where tokens come from is said by environment ("uat-us", "prod-us", "uat-eu",
    "prod-eu" or "emulator") or by token_endpoint, a URL. client_secret is a str, or a
    callable that returns one. Times are in seconds."""

    def access_token(
        self,
        *,
        min_validity: float | None = None,
        timeout: float | None = None,
        force: bool = False,
    ) -> AccessToken:
        """A usable token: from the cache, or else from the server.

        It should live min_validity seconds more (half of its life counts at most). timeout
        is the longest wait in seconds, 30 unless it is given; with 0 the call never waits,
        but a request begins. With force the token must be newer than the one at hand.

        Raises a ProveTokenError by what went wrong."""

    def authorization_header(
        self,
        *,
        min_validity: float | None = None,
        timeout: float | None = None,
        force: bool = False,
    ) -> str:
        """ "Bearer " and a usable token, for the header Authorization."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        *_exception: type[BaseException] | BaseException | TracebackType | None,
    ) -> None: ...

class _Settings(TypedDict):
    token_endpoint: str
    api_base: str
    client_id: str
    client_secret: str

@final
class Emulator:
    """A running local Prove; see emulator()."""

    @property
    def url(self) -> str:
        """The base URL, "http://127.0.0.1:PORT": also the value of PROVE_EMULATOR."""

    @property
    def token_endpoint(self) -> str:
        """The URL of the token endpoint."""

    @property
    def client_id(self) -> str:
        """The client id that it accepts."""

    @property
    def client_secret(self) -> str:
        """The client secret that it accepts; opens nothing but this emulator."""

    @property
    def settings(self) -> _Settings:
        """What a client of it is made with: TokenClient(**emulator.settings)."""

    @property
    def token_requests(self) -> int:
        """How many token requests have arrived."""

    def requests(self) -> list[tuple[str, str]]:
        """The last 10,000 requests, oldest first, as pairs of method and path."""

    def wait_for_requests(self, count: int, timeout: float = 10.0) -> bool:
        """Waits until so many token requests have arrived, answered or not; at most
        timeout seconds, after which it returns False."""

    def inject(self, fault: str) -> None:
        """Answers wrongly on purpose, such as "status=503,times=2"."""

    def clear_faults(self) -> None:
        """Forgets the faults that are still to come."""

    def revoke_all_tokens(self) -> None:
        """Revokes every token issued so far; later ones are good."""

    def advance(self, by: float) -> None:
        """Moves the emulator's clock forward by so many seconds."""

    def close(self) -> None:
        """Stops it and closes its port. Called again, it does nothing."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        *_exception: type[BaseException] | BaseException | TracebackType | None,
    ) -> None: ...

def emulator(
    *,
    port: int = 0,
    client_id: str = "emulator-client-id",
    client_secret: str = "emulator-client-secret",
    rate_limit: int = 25,
    lifetime: float = 3600.0,
    faults: Sequence[str] = (),
) -> Emulator:
    """Starts a local Prove on a loopback port, with which everything works without an
    account. It is a context manager, and stops at the end of the block.

    rate_limit is in requests a second, 0 for none; lifetime is a token's, in seconds;
    faults are texts such as "status=503,times=2"."""

@final
class Api:
    """The one API that gets the tokens of a client."""

    def __new__(cls, base: str) -> Self: ...
    def is_at(self, url: str) -> bool:
        """Whether a request to this URL may carry a token: it has the API's scheme, host
        and port."""

@final
class Call:
    """A call under way. It is polled on the event loop, and dropped there."""

    def poll(self, event_loop: object, future: object) -> AccessToken | None:
        """The token, if it is there; otherwise None, and the event loop's future is
        resolved when it makes sense to ask again."""

@final
class Answer:
    """Where the outcome of a callable secret goes."""

    def give(self, value: object) -> None:
        """The callable returned this."""

    def fail(self, exception: str) -> None:
        """The callable raised an exception of this type, whose text may be anything."""

def rejects_token(status: int, challenges: Sequence[str]) -> bool:
    """Whether an answer with this status and these values of WWW-Authenticate says that
    its token is no good any more."""

def main(arguments: Sequence[str]) -> int:
    """Runs the command with these arguments, the program's name first, and returns its
    exit code. Signals must have their default actions."""

def after_fork_in_child() -> None:
    """Starts anew in a forked child what its parent had started."""
