"""What the comment shows of a stage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import boto3
import pytest

from pipeline import __main__ as program
from pipeline.diff import LONGEST_DIFF, DiffError, report, section

DEPLOYED = {"postgres/0001_a.sql": "sha256:1", "db/0001_b.sql": "sha256:2"}


def test_new_migrations_are_named_in_their_order() -> None:
    text = section("dev", {**DEPLOYED, "db/0002_c.sql": "x", "db/0003_d.sql": "y"}, DEPLOYED, "printed")
    assert text.startswith(
        "#### dev\n\nMigrations that a deploy would run, in this order:\n\n"
        "1. `sql/db/0002_c.sql`\n1. `sql/db/0003_d.sql`\n"
    )
    assert "0001" not in text
    assert "```diff\nprinted\n```" in text


def test_no_new_migration_is_said() -> None:
    assert "It would run no migration." in section("dev", DEPLOYED, DEPLOYED, "")


def test_a_first_deploy_runs_them_all() -> None:
    assert "1. `sql/postgres/0001_a.sql`\n1. `sql/db/0001_b.sql`\n" in section("dev", DEPLOYED, {}, "")


def test_an_edited_migration_is_pointed_out() -> None:
    text = section("dev", {**DEPLOYED, "db/0001_b.sql": "sha256:3"}, DEPLOYED, "")
    assert "**`sql/db/0001_b.sql` is deployed with another text: a deploy refuses an edited file.**" in text


def test_a_long_diff_is_cut_and_says_where_the_rest_is() -> None:
    text = section("prod", DEPLOYED, DEPLOYED, "x" * 3 * LONGEST_DIFF)
    assert len(text) < LONGEST_DIFF + 500
    assert "... cut at 25,000 characters; all of it: make diff STAGE=prod\n```" in text


def test_what_the_diff_quotes_cannot_end_its_block() -> None:
    assert "`````diff\na ```` b\n`````" in section("dev", {}, {}, "a ```` b")


def test_without_credentials_it_says_so_and_compares_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def none(_: Any) -> None:
        return None

    monkeypatch.setattr(boto3.Session, "get_credentials", none)
    text = report(["dev", "prod"], tmp_path)
    assert "There are no AWS credentials here, so nothing is compared: a pull request from a fork gets none" in text
    assert not list(tmp_path.iterdir())


def test_a_diff_that_fails_is_in_the_comment_with_its_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    place = 'sql/st_chat_db/0014_theme.sql:2:8: syntax error at or near "TABEL"'

    def fail(*_: object) -> str:
        raise DiffError("dev", 1, "{}\n" * 200 + f"{place}\nSubprocess exited with error 1\n")

    summary = tmp_path / "summary.md"
    monkeypatch.setattr(program, "report", fail)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    monkeypatch.delenv("GITHUB_EVENT_NAME", raising=False)
    assert program.main([]) == 1
    assert summary.read_text() == (
        "### What a deploy would change\n\n````text\n"
        f"cdk diff of dev failed:\n  {place}\n  Nothing was deployed.\n"
        "  Next: correct sql/st_chat_db/0014_theme.sql, then: make diff STAGE=dev\n````\n"
    )
