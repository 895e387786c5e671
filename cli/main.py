"""The entry point of the `reelseek` command. It imports next to nothing, so that Ctrl-C is quiet from the start."""

from __future__ import annotations

import os
import signal


def main() -> None:
    """Load the commands and run the one that is asked for; Ctrl-C while they load ends quietly."""
    # An exception in the middle of an import may come out of a library as another one, so this one leaves at once:
    # nothing has been begun yet. A signal that the caller ignores (`nohup`) stays ignored.
    usual = signal.getsignal(signal.SIGINT)
    if usual is signal.default_int_handler:
        signal.signal(signal.SIGINT, lambda _number, _frame: os._exit(130))
    from cli.commands import run

    signal.signal(signal.SIGINT, usual)
    run()


if __name__ == "__main__":
    main()
