"""stchat doctor: what it finds in a cluster, word for word."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from constructs_lib.validation import ENGINE_VERSIONS
from stchat.errors import SettingsError
from stchat.ops import support
from stchat.ops.checks import run_checks
from stchat.ops.cli.doctor import acknowledgements, report
from stchat.ops.cluster_state import RUNNING, UNKNOWN, ChangedRole, ClusterState, Extension, Instance, Secret, Session
from stchat.ops.database_checks import Finding
from stchat.ops.sweep import Expired
from stchat.postgres import Postgres, PostgresSettings
from stchat.schema.memory_codes import Fit

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
COSTS = "while the cluster runs, every instance costs at least 0.5 ACU"
PAST_CLOUDFORMATION = (
    "it was changed outside CloudFormation, which neither detects nor reverts that",
    "change it back, or change the setting in stacks/config.py and deploy",
)

WRITER = Instance(
    identifier="chat-writer",
    role="writer",
    tier=0,
    kind="db.serverless",
    zone="ap-northeast-1a",
    vpc="vpc-1",
    subnet_group="group",
    security_groups=("sg-1",),
    ca="rds-ca-rsa4096-g1",
    certificate_ends=date(2027, 11, 1),
    engine_version="16.13",
    status="available",
    properties={"DBInstanceClass": "db.serverless", "PromotionTier": 0, "CACertificateIdentifier": "rds-ca-rsa4096-g1"},
    template={"DBInstanceClass": "db.serverless", "PromotionTier": 0, "CACertificateIdentifier": "rds-ca-rsa4096-g1"},
)
POOL = Postgres.from_settings(
    PostgresSettings(host="127.0.0.1", database="d", secret_arn="a", idle_seconds=3600)
).server
READER = replace(WRITER, identifier="chat-reader", role="reader", tier=1, properties={}, template={})
SECRET = Secret("st.chat", rotates=False, every="", last=None, due=None, pending=False, changed=None)
HEALTHY = ClusterState(
    identifier="chat",
    arn="arn:aws:rds:ap-northeast-1:123456789012:cluster:chat",
    status="available",
    engine="aurora-postgresql",
    engine_version="16.13",
    engine_status="available",
    min_acu=0,
    max_acu=64,
    pause_seconds=1800,
    backup_days=7,
    restorable_to=NOW,
    deletion_protection=False,
    stack="st-chat-dev-database",
    properties={"EngineVersion": "16.13", "DeletionProtection": False, "MinCapacity": 0.0},
    template={"EngineVersion": "16.13", "DeletionProtection": False, "MinCapacity": 0},
    instances=(WRITER, READER),
    proxies=(),
    global_clusters=(),
    integrations=(),
    logical_replication=False,
    secrets=(SECRET,),
    state=RUNNING,
    sessions=(),
    extensions=(),
    changed_roles=(),
    read_failures=(),
)


def found(**changes: Any) -> list[Finding]:
    return run_checks(replace(HEALTHY, **changes), support.load(), NOW)


def test_a_healthy_cluster_has_no_finding() -> None:
    assert found() == []


@pytest.mark.parametrize(
    ("changes", "finding"),
    [
        (
            {"instances": (replace(WRITER, kind="db.r8g.large", properties={}),)},
            Finding(
                "instance chat-writer is a db.r8g.large, which is provisioned",
                f"one provisioned instance blocks the auto-pause of the whole cluster; {COSTS}",
                "make it Serverless v2 in stacks/config.py, or set min_acu above 0",
            ),
        ),
        (
            {"instances": (WRITER, replace(READER, tier=2))},
            Finding(
                "reader chat-reader has promotion tier 2",
                "it pauses on its own, not with the writer, and resumes the writer when it is called",
                "set the promotion tier to 0 or 1: such a reader pauses and resumes with the writer",
                problem=False,
            ),
        ),
        (
            {"extensions": (Extension("st_chat_db", "vector", "0.8.0", "0.8.1"),)},
            Finding(
                "extension vector of database st_chat_db is 0.8.0, the server has 0.8.1",
                "an engine upgrade does not update extensions: fixes and new index features stay unused",
                "run ALTER EXTENSION vector UPDATE in st_chat_db, as a new migration file",
            ),
        ),
        (
            {"changed_roles": (ChangedRole("st_chat_app", ("its settings differ in statement_timeout",)),)},
            Finding(
                "role st_chat_app is not as migrations have made it: its settings differ in statement_timeout",
                "a role may change its own settings, and an SQL injection can so stop the application for good",
                "stchat schema apply --roles st_chat_app=<ARN of its secret> sets them again, of each role that"
                " migrations have made, as a deploy of migrations does",
            ),
        ),
        (
            {"proxies": ("chat-proxy",)},
            Finding(
                "RDS Proxy chat-proxy has this cluster as its target",
                f"its open connections block auto-pause; {COSTS}",
                "delete the proxy (rds_proxy=False), or set min_acu above 0",
            ),
        ),
        (
            {"global_clusters": ("world",)},
            Finding(
                "the cluster is a member of the global database world",
                f"that blocks auto-pause; {COSTS}",
                "aws rds remove-from-global-cluster --global-cluster-identifier world"
                " --db-cluster-identifier arn:aws:rds:ap-northeast-1:123456789012:cluster:chat",
            ),
        ),
        (
            {"integrations": ("to-redshift",)},
            Finding(
                "the zero-ETL integration to-redshift reads the cluster",
                f"that blocks auto-pause; {COSTS}",
                "aws rds delete-integration --integration-identifier to-redshift",
            ),
        ),
        (
            {"logical_replication": True},
            Finding(
                "rds.logical_replication is 1 in the cluster's parameter group",
                f"that blocks auto-pause; {COSTS}",
                "set it to 0 and restart the writer",
            ),
        ),
        (
            {"sessions": (Session("st_chat_app", "st_chat_db", "psql", "10.0.1.5/32", NOW),)},
            Finding(
                "st_chat_app is connected to st_chat_db from 10.0.1.5/32 since 2026-11-25 09:00 UTC as psql",
                f"an open connection of a user blocks auto-pause, idle or not; {COSTS}",
                "close it where it is not needed; sessions of the Data API do not block auto-pause",
                problem=False,
            ),
        ),
        (
            {"sessions": (Session("st_chat_app_iam", "st_chat_db", POOL.application, "10.0.1.5/32", NOW),)},
            Finding(
                "st_chat_app_iam is connected to st_chat_db from 10.0.1.5/32 since 2026-11-25 09:00 UTC as pool of"
                " stchat, closes after 3600 s",
                f"an open connection of a user blocks auto-pause, idle or not; {COSTS}",
                "the auto-pause interval begins when the pool has closed it, that long after the last call: set"
                " STCHAT_DB_IDLE_SECONDS lower, or call less often",
                problem=False,
            ),
        ),
        (
            {"engine_version": "16.14", "properties": {"EngineVersion": "16.14"}},
            Finding(
                "the engine is 16.14, its template has 16.13",
                "the next deploy would try to downgrade it, which Aurora refuses",
                'set engine_version="16.14" in stacks/config.py, and deploy',
            ),
        ),
        (
            {"properties": {"DeletionProtection": True}},
            Finding("DeletionProtection of the cluster is True, its template has False", *PAST_CLOUDFORMATION),
        ),
        (
            {"instances": (replace(WRITER, properties={"PromotionTier": 5}),)},
            Finding("PromotionTier of chat-writer is 5, its template has 0", *PAST_CLOUDFORMATION),
        ),
        (
            {"engine_status": "deprecated"},
            Finding(
                "AWS has retired engine 16.13",
                "no new cluster or restored snapshot may have it, and AWS upgrades it on its own schedule",
                "set engine_version in stacks/config.py to a supported minor, and deploy",
            ),
        ),
        (
            {"instances": (replace(WRITER, ca="rds-ca-2019", properties={}),)},
            Finding(
                "the certificate authority rds-ca-2019 of chat-writer ended on 2024-08-22",
                "clients that check certificates are refused after that",
                "give the clients the new bundle first, then set ca_certificate in stacks/config.py",
            ),
        ),
        (
            {"instances": (replace(WRITER, certificate_ends=date(2026, 12, 1)),)},
            Finding(
                "the server certificate of chat-writer ends on 2026-12-01",
                "AWS renews it before that; if it has not, the renewal waits for a restart",
                "aws rds reboot-db-instance --db-instance-identifier chat-writer",
            ),
        ),
        (
            {"secrets": (replace(SECRET, pending=True, changed=NOW - timedelta(hours=2)),)},
            Finding(
                "a rotation of secret st.chat has failed half-way",
                "its pending version has not become the current one within an hour",
                "see the log of the rotation function, and docs/rotation.md",
            ),
        ),
        (
            {"secrets": (replace(SECRET, rotates=True, due=NOW - timedelta(days=3)),)},
            Finding(
                "secret st.chat was to be rotated by 2026-11-22",
                "its password is older than the schedule allows",
                "aws secretsmanager rotate-secret --secret-id st.chat",
            ),
        ),
        (
            {"status": "stopped"},
            Finding(
                "the cluster is stopped",
                "it may refuse calls until it is available",
                "aws rds describe-events --source-type db-cluster --source-identifier chat",
            ),
        ),
        (
            {"instances": (replace(WRITER, status="rebooting"),)},
            Finding(
                "instance chat-writer is rebooting",
                "it may refuse calls until it is available",
                "aws rds describe-events --source-type db-instance --source-identifier chat-writer",
            ),
        ),
        (
            {"codes": {"st_chat_db": [Fit(90_000, 1, 2_000, 20, 0.565, 0.1)]}},
            Finding(
                "recall in st_chat_db finds 56% of the 10 nearest memories, for one question 10% (20 questions)",
                "the codes do not fit the memories: they were learned from others, or of another embedding model",
                "the next deploy learns them again; now: stchat schema codes st_chat_db",
            ),
        ),
        (
            {"codes": {"st_chat_db": [Fit(9_000, 1, None, 20, 1.0, 1.0)]}},
            Finding(
                "recall's codes in st_chat_db have not been learned from the memories yet",
                "until then up to 5,000 memories of a user are compared exactly, at about 5 us each",
                "the next deploy learns them again; now: stchat schema codes st_chat_db",
                problem=False,
            ),
        ),
        (
            {"codes": {"st_chat_db": [Fit(9_000, 2, 9_000, 20, 1.0, 1.0)]}},
            Finding(
                "the memories of st_chat_db are being coded again, or that has stopped half-way",
                "until it is done, recall compares codes of both kinds: the results are right, and up to twice as slow",
                "stchat schema codes st_chat_db continues, as does the next deploy",
                problem=False,
            ),
        ),
        (
            {"codes": {"st_chat_db": [Fit(40, 1, None, 0, None, None), Fit(8, 1, None, 0, None, None, "other")]}},
            Finding(
                "memories of st_chat_db are of 2 embedding models: cohere.embed-multilingual-v3, other",
                "a question is compared with memories of its own model alone, and with those that are moved to it",
                "stchat embeddings status; a move that has begun is continued by stchat embeddings move",
                problem=False,
            ),
        ),
        (
            {"without_words": {"st_chat_db": 1_234, "other": 0}},
            Finding(
                "1,234 memories of st_chat_db are not found by their words yet",
                "they were written before recall looked at words; until then they are found by their meaning alone",
                "the next deploy brings them along; now: stchat schema codes st_chat_db",
                problem=False,
            ),
        ),
        (
            {"expired": {"st_chat_db": Expired(1_234, 5), "other": Expired(0, 0)}},
            Finding(
                "1,234 turns and 5 memories of st_chat_db have expired, and are not deleted",
                "they are never answered, and take storage; each write deletes 20 of its user's at most",
                "stchat user --database st_chat_db sweep deletes them all",
                problem=False,
            ),
        ),
    ],
)
def test_finding(changes: dict[str, Any], finding: Finding) -> None:
    assert found(**changes) == [finding]


def test_codes_that_fit_or_are_not_needed_are_no_finding() -> None:
    fine = {"learned": [Fit(9_000, 1, 9_000, 20, 0.99, 0.9)], "small": [Fit(40, 1, None, 0, None, None)]}
    assert found(codes=fine) == []


def test_an_old_engine_is_retired_and_cannot_pause() -> None:
    assert [finding.what for finding in found(engine_version="16.2")] == [
        "engine 16.2 cannot pause",
        "AWS has retired engine 16.2",
    ]


@pytest.mark.parametrize(
    ("now", "message"), [("2028-09-30", "ends on 2029-02-28"), ("2029-03-01", "ended on 2029-02-28")]
)
def test_the_end_of_the_major_version(now: str, message: str) -> None:
    [finding] = [
        each
        for each in run_checks(HEALTHY, support.load(), datetime.fromisoformat(f"{now}T00:00:00+00:00"))
        if "engine" in each.what
    ]
    assert finding.what == f"standard support of engine 16.13 {message}"


@pytest.mark.parametrize("min_acu", [0.5, None])
def test_a_cluster_that_is_not_set_to_pause_may_have_what_keeps_it_awake(min_acu: float | None) -> None:
    instances = (replace(WRITER, kind="db.r8g.large", properties={}),)
    assert found(min_acu=min_acu, proxies=("p",), logical_replication=True, instances=instances, template={}) == []


def test_a_rotation_that_has_just_begun_is_no_finding() -> None:
    assert found(secrets=(replace(SECRET, pending=True, changed=NOW), replace(SECRET, rotates=True, due=NOW))) == []


def test_what_the_template_leaves_to_a_reference_is_not_compared() -> None:
    assert found(template={"EngineVersion": {"Ref": "Version"}}, state=UNKNOWN) == []


def test_synth_refuses_every_retired_minor() -> None:
    assert support.load().retired.isdisjoint(ENGINE_VERSIONS)


def test_acknowledgements_are_those_of_the_last_synth(tmp_path: Path) -> None:
    assert acknowledgements(tmp_path) is None
    one = {"ruleName": "AwsSolutions-RDS10", "acknowledgedAt": "Database", "reason": "to try things on", "severity": ""}
    report = tmp_path / "validation-report.json"
    two = {"ruleName": "HIPAA.Security-LambdaDLQ", "reason": "called synchronously"}
    report.write_text(json.dumps({"pluginReports": [{"suppressedViolations": [one, one, two]}, {"violations": []}]}))
    assert acknowledgements(tmp_path) == [
        {"rule": "AwsSolutions-RDS10", "at": "Database", "reason": "to try things on"},
        {"rule": "HIPAA.Security-LambdaDLQ", "at": "the app", "reason": "called synchronously"},
    ]
    report.write_text("[]")
    with pytest.raises(SettingsError, match=r"validation-report.json must be the CDK's validation report, got "):
        acknowledgements(tmp_path)


def test_it_reads_well_at_80_columns() -> None:
    """What needs a change comes first; only a command is longer, so that it can be copied."""
    state = replace(HEALTHY, proxies=("chat-proxy",), global_clusters=("world",), restorable_to=NOW)
    text = report(state, run_checks(state, support.load(), NOW), None, wide=False)
    lines = text.splitlines()
    assert lines[:3] == ["chat: 2 problems", "", "problem: RDS Proxy chat-proxy has this cluster as its target"]
    assert [line for line in lines if len(line) > 80 and "hint: aws " not in line] == []
    assert "backups of 7 days, restorable to 2026-11-25 09:00:00 UTC" in lines
    assert "sg-1" in report(state, [], None, wide=True) and "sg-1" not in text
