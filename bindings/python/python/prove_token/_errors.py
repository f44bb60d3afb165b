"""What can go wrong: one exception for each thing that a program can do about it."""

import builtins
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


class ProveTokenError(Exception):
    """The base of all errors of this package, and a defect where it is raised itself.

    Its text is one line without a secret, a token or a response body. Where Python shows
    notes (from 3.11 on), a traceback ends with the hint.
    """

    kind: str
    """A stable name for machines, such as "credentials_rejected"."""
    hint: "str | None"
    """What to do about it, in one sentence."""
    retryable: bool
    """Whether the same call may succeed later without any change."""
    retry_after: "float | None"
    """For how many seconds the server asked to wait, from when the error arose."""
    status: "int | None"
    """The HTTP status of the token endpoint's answer, if there was one."""
    error_response: "Mapping[str, str | int] | None"
    """What the authorization server said: error, error_description and error_uri of
    RFC 6749, or Prove's code and message."""

    def __init__(
        self,
        message: str = "",
        *,
        kind: str = "internal",
        hint: "str | None" = None,
        retryable: bool = False,
        retry_after: "float | None" = None,
        status: "int | None" = None,
        error_response: "Mapping[str, str | int] | None" = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.hint = hint
        self.retryable = retryable
        self.retry_after = retry_after
        self.status = status
        self.error_response = error_response
        if hint is not None and sys.version_info >= (3, 11):
            self.add_note(f"hint: {hint}")


class ConfigurationError(ProveTokenError):
    """A setting is missing, malformed or contradicts another one."""


class SecretSourceError(ProveTokenError):
    """The client secret could not be read from where it is kept."""


class RejectedError(ProveTokenError):
    """The authorization server refuses the client, or what it asks for."""


class UnavailableError(ProveTokenError):
    """There is no connection, or the authorization server cannot answer now."""


class TimeoutError(ProveTokenError, builtins.TimeoutError):
    """There was no complete answer in time. It is the built-in TimeoutError as well."""


class RateLimitedError(ProveTokenError):
    """There were too many requests; retry_after says how long to wait."""


class ProtocolError(ProveTokenError):
    """The answer is not what RFC 6749 describes."""


class ExpiredError(ProveTokenError):
    """There is no usable token within the limits of the call."""
