"""A shell full of settings for other servers, which lead to one that writes down who calls."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

CONFIG = """[default]
region = eu-west-3
ignore_configured_endpoint_urls = true
role_arn = arn:aws:iam::111122223333:role/real
source_profile = real

[profile real]
region = eu-west-3
"""


@dataclass
class Trap:
    """What every setting leads to: each connection is written down, and gets no answer."""

    socket: socket.socket
    callers: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.socket.getsockname()[1]}"

    def listen(self) -> None:
        while True:
            try:
                caller, _ = self.socket.accept()
            except OSError:
                return
            self.callers.append(caller.recv(200))
            caller.close()


@contextmanager
def listening() -> Iterator[Trap]:
    """A trap, which has no callers in the end."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        trap = Trap(server)
        threading.Thread(target=trap.listen, daemon=True).start()
        yield trap
        assert trap.callers == []


def hostile_environment(trap: Trap, folder: Path) -> dict[str, str]:
    """The variables of that shell, and the files in `folder` that they name."""
    home = folder / "home"
    config = home / ".aws" / "config"
    config.parent.mkdir(parents=True)
    config.write_text(CONFIG)
    (folder / "aws_cdk.py").write_text("raise SystemExit('imported')\n")
    jsii = Path.home() / ".cache" / "aws" / "jsii"  # what the CDK unpacks below HOME, in 10 s: the tests share one
    jsii.mkdir(parents=True, exist_ok=True)
    (home / ".cache" / "aws").mkdir(parents=True)
    (home / ".cache" / "aws" / "jsii").symlink_to(jsii)
    port = trap.url.rpartition(":")[2]
    proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"), trap.url)
    services = ("S3", "STS", "CLOUDFORMATION", "RDS", "RDS_DATA", "SECRETS_MANAGER", "LAMBDA", "SSM", "IAM")
    return (
        {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "NO_PROXY", "no_proxy"))}
        | proxies
        | {f"AWS_ENDPOINT_URL_{service}": trap.url for service in services}
        | {
            "HOME": str(home), "AWS_ENDPOINT_URL": trap.url, "AWS_PROFILE": "missing",
            "AWS_DEFAULT_PROFILE": "missing", "AWS_REGION": "eu-west-3", "AWS_DEFAULT_REGION": "eu-west-3",
            "AWS_ACCESS_KEY_ID": "AKIAREAL", "AWS_SECRET_ACCESS_KEY": "real", "AWS_SESSION_TOKEN": "real",
            "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true", "AWS_USE_FIPS_ENDPOINT": "true",
            "AWS_USE_DUALSTACK_ENDPOINT": "true", "AWS_CA_BUNDLE": "/missing", "AWS_MAX_ATTEMPTS": "0",
            "AWS_CONFIG_FILE": str(config), "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{trap.url}/credentials",
            "PGHOST": "127.0.0.1", "PGHOSTADDR": "127.0.0.1", "PGPORT": port, "PGSSLMODE": "verify-full",
            "PGOPTIONS": "-c broken=1", "PGSERVICE": "missing", "PGDATA": "/missing", "PGUSER": "real",
            "PGPASSFILE": "/missing", "CDK_DEFAULT_ACCOUNT": "111122223333", "CDK_DEFAULT_REGION": "eu-west-3",
            "PYTHONPATH": str(folder), "PYTHONSTARTUP": str(folder / "aws_cdk.py"),
            "NODE_OPTIONS": "--no-such-option",
        }
    )  # fmt: skip
