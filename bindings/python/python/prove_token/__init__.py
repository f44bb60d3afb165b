"""OAuth 2.0 client credentials in, bearer token out.

    import prove_token

    client = prove_token.TokenClient(environment="uat-us", client_id="…", client_secret="…")
    client.access_token().value

A token is obtained once, kept while it lives, renewed before it ends and shared by all
threads and tasks; one request is sent, however many ask. Everything raises a
ProveTokenError, whose text is safe to log and whose hint says what to do.

prove_token.httpx, prove_token.requests and prove_token.aiohttp put the token into
requests; each is imported when it is first used.
"""

from ._async import AsyncTokenClient
from ._errors import (
    ConfigurationError,
    ExpiredError,
    ProtocolError,
    ProveTokenError,
    RateLimitedError,
    RejectedError,
    SecretSourceError,
    TimeoutError,
    UnavailableError,
)
from ._native import AccessToken, Emulator, Event, TokenClient, __version__, emulator

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

    from . import aiohttp, httpx, requests

__all__ = [
    "AccessToken",
    "AsyncTokenClient",
    "ConfigurationError",
    "Emulator",
    "Event",
    "ExpiredError",
    "ProtocolError",
    "ProveTokenError",
    "RateLimitedError",
    "RejectedError",
    "SecretSourceError",
    "TimeoutError",
    "TokenClient",
    "UnavailableError",
    "__version__",
    "aiohttp",
    "emulator",
    "httpx",
    "requests",
]


def __getattr__(name: str) -> "ModuleType":
    """Imports an integration when it is first used: its library need not be there."""
    if name in ("aiohttp", "httpx", "requests"):
        from importlib import import_module

        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
