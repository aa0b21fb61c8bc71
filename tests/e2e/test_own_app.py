"""examples/own_app as its owner has it: the wheel in an environment of its own, and nothing of this repository."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.support import installed_wheel
from tests.support.installed_wheel import InstalledWheel
from tests.support.local_aws_cli import free_port
from tests.support.repository import REPOSITORY


@dataclass(frozen=True)
class OwnApp:
    """A copy of the app, and the environment that deploys it onto a local AWS of its own."""

    installed: InstalledWheel
    app: Path

    def local_aws(self, command: str, *arguments: str) -> str:
        return self.installed.must("local-aws", command, "--app", ".", *arguments, cwd=self.app)

    def environment(self) -> dict[str, str]:
        """What `local-aws env` exports."""
        words = shlex.split(self.local_aws("env"))
        return dict(word.split("=", 1) for word in words if "=" in word)

    def sql(self, statement: str) -> list[dict[str, Any]]:
        """Its rows, from a client that knows nothing but the exported variables."""
        here = self.environment()
        session = boto3.Session(here["AWS_ACCESS_KEY_ID"], here["AWS_SECRET_ACCESS_KEY"], None, here["AWS_REGION"])
        answer = session.client("rds-data", endpoint_url=here["AWS_ENDPOINT_URL_RDS_DATA"]).execute_statement(
            resourceArn=here["STCHAT_CLUSTER_ARN"],
            secretArn=here["STCHAT_SECRET_ARN"],
            database="orders",
            sql=statement,
            formatRecordsAs="JSON",
        )
        rows: list[dict[str, Any]] = json.loads(answer["formattedRecords"])
        return rows


@pytest.fixture(scope="module")
def own_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnApp]:
    directory = tmp_path_factory.mktemp("own-app")
    _, wheel = installed_wheel.build(directory / "dist")
    installed = installed_wheel.install(wheel, directory / "venv", "cdk", "local")
    app = directory / "app"
    shutil.copytree(REPOSITORY / "examples" / "own_app", app, ignore=shutil.ignore_patterns("cdk.out", "node_modules"))
    (app / "node_modules").symlink_to(REPOSITORY / "node_modules")  # what `npm install` brings
    here = OwnApp(installed, app)
    ports = ("--aws-port", free_port(), "--data-api-port", free_port(), "--resume-seconds", "1")
    try:
        here.local_aws("up", *ports)
        yield here
    finally:
        here.local_aws("down")


def test_the_app_imports_the_wheel_and_nothing_of_this_repository(own_app: OwnApp) -> None:
    code = "import constructs_lib.aurora, local_aws.cli, stchat, sys; print(*sys.path, stchat.__file__)"
    assert str(REPOSITORY) not in own_app.installed.must("python", "-c", code, cwd=own_app.app)


def test_its_table_is_there(own_app: OwnApp) -> None:
    own_app.sql("INSERT INTO orders (customer, total) VALUES ('hana', 12.50) RETURNING id")
    assert own_app.sql("SELECT customer, total::text FROM orders") == [{"customer": "hana", "total": "12.50"}]
    assert own_app.sql("SELECT name FROM schema_migrations") == [{"name": "0001_orders.sql"}]


def test_the_lambda_carries_the_apps_sql_and_not_the_chats(own_app: OwnApp) -> None:
    own_app_files, chats = set(own_app.app.rglob("0*.sql")), set((REPOSITORY / "sql").rglob("0*.sql"))
    carried = {file.name for file in (own_app.app / ".local").rglob("asset.*/**/*.sql")}
    assert carried == {file.name for file in own_app_files}
    assert not carried & {file.name for file in chats}


def test_a_later_migration_is_one_more_deploy(own_app: OwnApp) -> None:
    (own_app.app / "sql" / "orders" / "0002_paid.sql").write_text("ALTER TABLE orders ADD COLUMN paid boolean;\n")
    own_app.local_aws("deploy")
    assert own_app.sql("SELECT paid FROM orders") == [{"paid": None}]


def test_psql_opens_the_apps_database(own_app: OwnApp) -> None:
    shown = own_app.local_aws("psql", "--", "-At", "-c", "SELECT current_database(), current_user")
    assert shown == "orders|stchat\n"


def test_a_second_up_goes_on_with_the_same_app(own_app: OwnApp) -> None:
    own_app.local_aws("down")
    own_app.local_aws("up", "--no-deploy")
    assert [row["customer"] for row in own_app.sql("SELECT customer FROM orders")] == ["hana"]
