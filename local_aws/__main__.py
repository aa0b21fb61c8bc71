"""python -m local_aws: the same as the console script `local-aws`."""

from __future__ import annotations

import sys


def run() -> int:
    """The exit status. An installation without the extra gets the command that adds it."""
    try:
        from local_aws.cli import main
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] in {"local_aws", "stchat"}:
            raise
        print(f'error: this command needs the package {error.name}: pip install "stchat[local]"', file=sys.stderr)
        return 1
    return main()


if __name__ == "__main__":
    sys.exit(run())
