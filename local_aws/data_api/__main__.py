"""python -m local_aws.data_api: the endpoint, as `local-aws data-api` starts it."""

from __future__ import annotations

import argparse
import sys

from local_aws.data_api import cli
from local_aws.processes import LocalError

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m local_aws.data_api")
    cli.add_arguments(parser)
    try:
        sys.exit(cli.run(parser.parse_args()))
    except LocalError as error:
        sys.exit(f"error: {error}")
