"""The threads that call Python for the engine, whose own threads never do.

They are daemons: nobody waits for them at the end of the program. This module is imported
when a call has to wait for the first time.
"""

import os
import sys
import threading

from ._native import after_fork_in_child

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Future
    from collections.abc import Callable

    from ._native import Answer

    _Calls = list[tuple[Callable[..., object], ...]]


def start(name: str, handle: int, take: "Callable[[], _Calls]") -> None:
    """Starts a thread that calls what take() gives, whenever a byte can be read."""
    if sys.platform == "win32":
        import msvcrt

        handle = msvcrt.open_osfhandle(handle, os.O_RDONLY)
    thread = threading.Thread(target=_run, args=(handle, take), name=name, daemon=True)
    try:
        thread.start()
    except RuntimeError:
        os.close(handle)
        raise


def _run(handle: int, take: "Callable[[], _Calls]") -> None:
    while os.read(handle, 1):
        for call, *arguments in take():
            try:
                call(*arguments)
            except BaseException as error:
                _report(error)
        # What was called must not be kept until the next time.
        call = arguments = None  # type: ignore[assignment]


def _report(error: BaseException) -> None:
    """Shows what a callback raised as Python shows what ends a thread."""
    shown = threading.ExceptHookArgs(
        (type(error), error, error.__traceback__, threading.current_thread())
    )
    threading.excepthook(shown)


def is_main_thread() -> bool:
    """Whether this is the thread that signal handlers run on."""
    return threading.get_ident() == threading.main_thread().ident


def wake(event_loop: "AbstractEventLoop", future: "Future[None]") -> None:
    """Resolves a future of an event loop, which may have ended."""
    try:
        event_loop.call_soon_threadsafe(resolve, future)
    except RuntimeError:
        if not event_loop.is_closed():
            raise


def resolve(future: "Future[None]") -> None:
    """Resolves a future that nobody may be waiting for any more."""
    if not future.done():
        future.set_result(None)


def ask(read: "Callable[[], str]", answer: "Answer") -> None:
    """Calls what knows a secret, on a thread of its own: it may take its time."""
    thread = threading.Thread(
        target=_read, args=(read, answer), name="prove-token-secret", daemon=True
    )
    thread.start()


def _read(read: "Callable[[], str]", answer: "Answer") -> None:
    try:
        # Without a name for the secret: tracebacks may show local variables.
        answer.give(read())
    except BaseException as error:
        answer.fail(type(error).__name__)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=after_fork_in_child)
