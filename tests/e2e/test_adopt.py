"""docs/adopt.md, followed by the person who made it all by hand; the old cluster is as it was, whatever happens."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from local_aws.state import load
from stacks.config import dev
from tests.support.documents import PIECE, shell_blocks
from tests.support.local_aws_cli import LocalAwsCli, Outcome, new_local_aws
from tests.support.repository import REPOSITORY

DOCUMENT = REPOSITORY / "docs" / "adopt.md"
OLD = "SELECT count(*), min(primarykey), max(primarykey), max(timestamp)::text FROM st_chat_history_table"
ROWS = [299, 1, 300, "2025-01-01 00:06:10.3701+00"]


@dataclass(frozen=True)
class Account:
    """One person's account with what they made by hand, and their checkout of this project."""

    local_aws: LocalAwsCli
    checkout: Path

    def shell(self, script: str) -> Outcome:
        """What is typed in a shell that is set up as the document has it, and knows nothing else."""
        return self.local_aws.bare(section("1.") + script, self.checkout, seconds=600)

    def old_rows(self) -> list[object]:
        """What the old cluster's history says of itself, asked with the hand-made login."""
        here = load(self.local_aws.directory)
        assert here is not None
        [cluster] = here.client("rds").describe_db_clusters(DBClusterIdentifier="dbclusterstchat")["DBClusters"]
        login = here.client("secretsmanager").describe_secret(SecretId="st.chat.new")["ARN"]
        answer = here.client("rds-data").execute_statement(
            resourceArn=cluster["DBClusterArn"], secretArn=login, database="st_chat_db", sql=OLD
        )
        return [next(iter(field.values())) for field in answer["records"][0]]


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory, checkout: Path) -> Iterator[Account]:
    local_aws = new_local_aws(tmp_path_factory.mktemp("handmade"))
    try:
        up = f'[ "$1" != up ] || set -- "$@" {" ".join(local_aws.ports)}'
        of_the_test = f'local-aws() {{ {up}; command local-aws --directory {local_aws.directory} "$@"; }}\n'
        practised = local_aws.bare(of_the_test + section("0."), REPOSITORY, seconds=600)
        assert practised.status == 0, practised.output
        yield Account(local_aws, checkout)
    finally:
        local_aws.run("down")


def settings_of_the_document() -> str:
    [block] = [piece["text"] for piece in PIECE.finditer(DOCUMENT.read_text()) if piece["language"] == "python"]
    return str(block)


def settings_of_the_stage() -> str:
    """The same function, as the checkout has it."""
    return inspect.getsource(dev)


def section(*begin: str) -> str:
    """What the sections that begin so give to type."""
    blocks = shell_blocks(DOCUMENT)
    return "".join(block.text for each in begin for block in blocks if block.section.startswith(each))


def test_look_names_what_collides_and_changes_nothing(account: Account) -> None:
    before = account.old_rows()
    looked = account.shell(section("2."))
    assert looked.status == 0, looked.output
    assert "AWS::RDS::DBCluster          dbclusterstchat (available)" in looked.output
    assert "AWS::SecretsManager::Secret  st.chat (in use)" in looked.output
    assert "AWS::RDS::DBSubnetGroup" not in looked.output  # the hand-made one is spelled ...-groupt
    printed = "".join(line.strip() for line in settings_of_the_document().splitlines())
    assert printed in "".join(line.strip() for line in looked.output.splitlines())
    assert account.old_rows() == before == ROWS


def test_a_deploy_over_the_same_names_fails_and_leaves_the_old_cluster(account: Account) -> None:
    failed = account.shell(section("5."))
    assert failed.status != 0
    assert "already exists" in failed.output
    assert account.old_rows() == ROWS


def test_the_documents_steps_bring_every_row(account: Account) -> None:
    config = account.checkout / "stacks" / "config.py"
    original = config.read_text()
    copied = account.shell(section("3."))
    assert copied.status == 0, copied.output
    config.write_text(original.replace(settings_of_the_stage(), settings_of_the_document()))
    try:
        assert config.read_text() != original
        adopted = account.shell(section("5.", "6.", "7.", "8.", "9."))
    finally:
        config.write_text(original)
    assert adopted.status == 0, adopted.output
    assert adopted.output.endswith("the rows are the same\n")
    assert account.old_rows() == ROWS
