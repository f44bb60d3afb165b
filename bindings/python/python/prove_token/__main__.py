"""The command prove-token: `prove-token …` and `python -m prove_token …`."""

import signal
import sys

from ._native import main as run


def main() -> None:
    """Runs the command with the arguments of this process, and ends with its exit code."""
    # As a program that is not written in Python: Ctrl-C ends it, or it hears it itself.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(run(["prove-token", *sys.argv[1:]]))


if __name__ == "__main__":
    main()
