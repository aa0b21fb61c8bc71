"""python -m local.data_api: the endpoint alone, as `python -m local data-api` starts it."""

from __future__ import annotations

import argparse
import sys

from local.data_api import cli
from local.processes import LocalError

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m local.data_api")
    cli.add_arguments(parser)
    try:
        sys.exit(cli.run(parser.parse_args()))
    except LocalError as error:
        sys.exit(f"error: {error}")
