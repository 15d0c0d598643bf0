"""Where the `opticonv` command begins, and `python -m opticonv` for where it's not on the path."""

from __future__ import annotations

import os
import signal
from types import FrameType

__all__ = ["main"]


def main() -> None:
    """Load the commands and run the one that the command line names."""
    # Loading takes a while, and nothing has to be tidied up then.  An exception would come out of
    # the middle of some import, which may turn it into another.
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end)
    from opticonv.cli import app

    signal.signal(signal.SIGINT, before)
    app()


def _end(number: int, frame: FrameType | None) -> None:
    os.write(2, b"error: interrupted\n")
    os._exit(130)


if __name__ == "__main__":
    main()
