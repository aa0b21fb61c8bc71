"""python -m stchat: the same as the console script `stchat`."""

import os
import signal
import sys

from stchat.ops.cli.main import main


def run() -> int:
    """The exit status; a reader that has read enough, such as `head`, is no error of ours."""
    try:
        code = main()
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 128 + signal.SIGPIPE
    return code


if __name__ == "__main__":
    sys.exit(run())
