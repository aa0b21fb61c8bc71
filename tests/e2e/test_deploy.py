"""`cdk deploy` as a user meets it, step after step on one local AWS. The order of the tests is the story."""

from __future__ import annotations

import json
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tests.support.local_aws_cli import HISTORY, SNAPSHOT, LocalAwsCli, take_snapshot

MEMORY = "st_chat_history_vector_table"

COLUMNS = """
SELECT column_name, CASE data_type WHEN 'USER-DEFINED' THEN format_type(atttypid, atttypmod) ELSE data_type END,
       is_nullable, column_default
FROM information_schema.columns
JOIN pg_attribute ON attrelid = table_name::regclass AND attname = column_name
WHERE table_name = '{}' ORDER BY ordinal_position"""


OWN = len(list((Path(__file__).parents[2] / "sql" / "st_chat_db").glob("*.sql")))


def numbered(number: int, what: str) -> str:
    """The name of a migration after the project's own, counted from 1."""
    return f"{OWN + number:04}_{what}.sql"


def migrate(checkout: Path, name: str, sql: str) -> Path:
    file = checkout / "sql" / "st_chat_db" / name
    file.write_text(sql)
    return file


class TestFirstDeploy:
    def test_stacks_are_complete(self, local_aws: LocalAwsCli) -> None:
        for stack in ("network", "database", "schema", "chat"):
            assert local_aws.stack_status(f"st-chat-dev-{stack}") == "CREATE_COMPLETE"

    def test_history_table(self, local_aws: LocalAwsCli) -> None:
        assert local_aws.sql(COLUMNS.format(HISTORY)) == [
            ["primarykey", "bigint", "NO", "nextval('st_chat_history_table_primarykey_seq'::regclass)"],
            ["userid", "text", "NO", None],
            ["themename", "text", "NO", None],
            ["chatid", "bigint", "NO", None],
            ["userinput", "text", "YES", None],
            ["botresponse", "text", "YES", None],
            ["timestamp", "timestamp with time zone", "YES", "now()"],
            ["expires_at", "timestamp with time zone", "YES", None],
        ]

    def test_memory_table(self, local_aws: LocalAwsCli) -> None:
        assert local_aws.sql(COLUMNS.format(MEMORY)) == [
            ["primarykey", "bigint", "NO", "nextval('st_chat_history_vector_table_primarykey_seq'::regclass)"],
            ["userid", "text", "NO", None],
            ["theme", "text", "NO", None],
            ["chatid", "bigint", "NO", None],
            ["chat_summary", "text", "NO", None],
            ["metadata", "jsonb", "YES", None],
            ["chat_vector", "vector(1024)", "NO", None],
            ["id", "text", "YES", None],
            ["created_at", "timestamp with time zone", "NO", "now()"],
            ["updated_at", "timestamp with time zone", "NO", "now()"],
            ["expires_at", "timestamp with time zone", "YES", None],
            ["embedding_model", "text", "YES", None],
        ]

    def test_constraints(self, local_aws: LocalAwsCli) -> None:
        for table, expected in {
            HISTORY: ["CHECK ((chatid >= 0))", "PRIMARY KEY (primarykey)", "UNIQUE (userid, themename, chatid)"],
            MEMORY: ["CHECK ((chatid >= 0))", "PRIMARY KEY (primarykey)"],
        }.items():
            found = local_aws.sql(
                f"SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = '{table}'::regclass ORDER BY 1"
            )
            assert [row[0] for row in found] == expected

    def test_indexes(self, local_aws: LocalAwsCli) -> None:
        found = {
            row[0]: row[1]
            for row in local_aws.sql("SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'")
        }
        assert found["idx_st_chat_history_userid"].endswith("USING btree (userid)")
        assert found["idx_st_chat_history_timestamp"].endswith('USING btree ("timestamp")')
        [hnsw] = [definition for definition in found.values() if "hnsw" in definition]
        assert hnsw.endswith(f"ON public.{MEMORY} USING hnsw (chat_vector vector_l2_ops)")

    def test_master_is_no_superuser(self, local_aws: LocalAwsCli) -> None:
        assert local_aws.sql("SELECT current_user::text, rolsuper FROM pg_roles WHERE rolname = current_user") == [
            ["stchat", False]
        ]

    def test_the_applications_secret_opens_its_rows_and_nothing_else(self, local_aws: LocalAwsCli) -> None:
        secret = local_aws.client("secretsmanager").describe_secret(SecretId="st.chat.app")["ARN"]
        insert = f"INSERT INTO {HISTORY} (userid, themename, chatid) VALUES ('e2e', 'theme', 1)"
        with pytest.raises(ClientError, match="new row violates row-level security policy"):
            local_aws.sql(insert, secret=secret)
        add = "SELECT st_chat_add_turn('e2e', 'theme', 1, 'hello', 'good day')"
        assert local_aws.sql(add, secret=secret) == [["written"]]
        assert local_aws.sql(add, secret=secret) == [["known"]]
        with pytest.raises(ClientError, match="permission denied for schema public"):
            local_aws.sql("CREATE TABLE mine (id int)", secret=secret)
        with pytest.raises(ClientError, match='permission denied for database "postgres"'):
            local_aws.sql("SELECT 1", database="postgres", secret=secret)

    def test_no_password_is_in_any_log(self, local_aws: LocalAwsCli) -> None:
        client = local_aws.client("secretsmanager")
        passwords = [
            json.loads(client.get_secret_value(SecretId=name)["SecretString"])["password"]
            for name in ("st.chat", "st.chat.app", "st.chat.read")
        ]
        logs = local_aws.client("logs")
        text = "".join(path.read_text(errors="replace") for path in (local_aws.directory / "logs").glob("*.log"))
        text += "".join(path.read_text(errors="replace") for path in local_aws.directory.rglob("*postgres*.log"))
        for group in logs.describe_log_groups()["logGroups"]:
            for event in logs.filter_log_events(logGroupName=group["logGroupName"])["events"]:
                text += event["message"]
        assert "Data API" in text  # there is something to search
        assert not [password for password in passwords if password in text]

    def test_least_privilege_holds_when_simulated(self, local_aws: LocalAwsCli) -> None:
        iam = local_aws.client("iam")
        here = local_aws.environment()
        roles = {role["RoleName"]: role["Arn"] for role in iam.list_roles()["Roles"]}

        def allowed(function: str, action: str, resource: str) -> bool:
            [arn] = [arn for name, arn in roles.items() if f"Schema{function}Role" in name]
            answer = iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=[action], ResourceArns=[resource])
            return bool(answer["EvaluationResults"][0]["EvalDecision"] == "allowed")

        cluster, secret = here["STCHAT_CLUSTER_ARN"], here["STCHAT_SECRET_ARN"]
        assert allowed("Runner", "rds-data:ExecuteStatement", cluster)
        assert allowed("Runner", "secretsmanager:GetSecretValue", secret)
        assert not allowed("Runner", "rds-data:ExecuteStatement", cluster + "2")
        assert not allowed("Runner", "secretsmanager:PutSecretValue", secret)
        assert not allowed("OnEvent", "rds-data:ExecuteStatement", cluster)
        assert not allowed("OnEvent", "secretsmanager:GetSecretValue", secret)


class TestLaterDeploys:
    def test_a_second_deploy_changes_nothing(self, local_aws: LocalAwsCli, checkout: Path) -> None:
        outcome = local_aws.follow(checkout, "operations.md", "Deploy for the first time")
        assert outcome.status == 0, outcome.output
        stacks = set(re.findall(r"st-chat-dev-\w+", local_aws.must("status")))
        assert set(re.findall(r"✅ .*\((st-chat-dev-\w+)\) \(no changes\)", outcome.output)) == stacks
        assert outcome.output.count("There were no differences") == len(stacks)

    def test_the_stacks_outputs_name_the_cluster(self, local_aws: LocalAwsCli, checkout: Path) -> None:
        """As `local-aws env` does; and the way that assumptions.md asks the database."""
        outcome = local_aws.follow(checkout, "operations.md", "Name the cluster", then="env")
        assert outcome.status == 0, outcome.output
        printed = outcome.output.splitlines()
        for name in ("STCHAT_CLUSTER_ARN", "STCHAT_SECRET_ARN", "STCHAT_APP_SECRET_ARN", "STCHAT_DATABASE"):
            assert f"{name}={local_aws.environment()[name]}" in printed
        asked = local_aws.follow(checkout, "assumptions.md", "Assumptions about AWS, and the command that proves each")
        assert asked.output.splitlines()[0].split("\t")[1].startswith("vector 0.8"), asked.output

    def test_a_new_migration(self, local_aws: LocalAwsCli, checkout: Path) -> None:
        outcome = local_aws.follow(checkout, "operations.md", "Add a migration")
        assert outcome.status == 0, outcome.output
        assert f"-- sql/st_chat_db/{numbered(1, 'note')}: in one transaction" in outcome.output
        assert f"[+] Added: .st_chat_db/{numbered(1, 'note')}" in outcome.output
        assert "Added: .st_chat_db/0005_grants" not in outcome.output
        assert "may be replaced" not in outcome.output
        changed = re.findall(r"^\[~\] AWS::Lambda::Function \S+ (\w+)", outcome.output, re.MULTILINE)
        assert changed, outcome.output
        assert all(re.match("Schema(OnEvent|Runner)Function", function) for function in changed), changed
        assert local_aws.sql("SELECT to_regclass('note')::text") == [["note"]]

    def test_the_pull_requests_comment_names_the_migrations(self, local_aws: LocalAwsCli, checkout: Path) -> None:
        migrate(checkout, numbered(2, "of_five"), "CREATE TABLE first_of_five (id int);\n")
        migrate(checkout, numbered(3, "of_five"), "CREATE TABLE second_of_five (id int);\n")
        outcome = local_aws.follow(checkout, "operations.md", "Deploy from GitHub Actions")
        assert outcome.status == 0, outcome.output
        dev, prod = outcome.output.split("#### prod\n")
        assert re.findall(r"^1\. `(.*)`$", dev, re.MULTILINE) == [
            f"sql/st_chat_db/{numbered(2, 'of_five')}",
            f"sql/st_chat_db/{numbered(3, 'of_five')}",
        ]
        assert f"[+] Added: .st_chat_db/{numbered(3, 'of_five')}" in dev
        assert "1. `sql/postgres/0001_create_database.sql`\n" in prod  # it was never deployed

    def test_failing_sql_onto_a_sleeping_cluster_rolls_back_and_says_where(
        self, local_aws: LocalAwsCli, checkout: Path
    ) -> None:
        before = local_aws.sql("SELECT count(*)::int FROM pg_class")
        for number, sql in enumerate(
            (
                "-- the third of five\nCREATE TABLE third_of_five (id int);\nINSERT INTO nowhere VALUES (1);\n",
                "CREATE TABLE fourth_of_five (id int);\n",
                "CREATE TABLE fifth_of_five (id int);\n",
            ),
            4,
        ):
            migrate(checkout, numbered(number, "of_five"), sql)
        local_aws.must("pause")
        assert "paused" in local_aws.must("status")
        outcome = local_aws.type("make deploy APPROVAL=never", checkout)
        assert outcome.status != 0
        file = f"sql/st_chat_db/{numbered(4, 'of_five')}"
        reason = f'{file}:3: relation "nowhere" does not exist'
        *_, blank, headline, why, kept, following, end = outcome.output.splitlines()
        assert (blank, headline, why) == ("", "The deploy failed:", f"  {reason} (SQLSTATE 42P01)")
        assert kept == "  The stack was rolled back; the files before this one stay applied."
        command = "make deploy STAGE=dev"
        assert following == f"  Next: correct {file} if it was never applied (`stchat schema status`), then: {command}"
        assert end.startswith("make: *** ")
        assert local_aws.stack_status("st-chat-dev-schema") == "UPDATE_ROLLBACK_COMPLETE"
        tables = "SELECT count(*)::int FROM pg_class WHERE relname LIKE '%_of_five'"
        assert local_aws.sql(tables) == [[2]]  # each file is all or nothing; the two before the mistake stand
        assert local_aws.sql("SELECT count(*)::int FROM pg_class") != before
        waited = [
            event["message"]
            for group in local_aws.client("logs").describe_log_groups()["logGroups"]
            for event in local_aws.client("logs").filter_log_events(logGroupName=group["logGroupName"])["events"]
            if "resuming after being auto-paused" in event["message"]
        ]
        assert waited, "the runner said nothing of the cluster that slept"

        shown = local_aws.follow(checkout, "operations.md", "Repair a failed deploy", 0)
        assert shown.status == 0, shown.output
        assert reason in shown.output
        assert shown.output.count(" pending") == 3
        migrate(checkout, numbered(4, "of_five"), "CREATE TABLE third_of_five (id int);\n")
        repaired = local_aws.follow(checkout, "operations.md", "Repair a failed deploy", 1)
        assert repaired.status == 0, repaired.output
        assert local_aws.sql(tables) == [[5]]
        assert local_aws.stack_status("st-chat-dev-schema") == "UPDATE_COMPLETE"

    def test_a_deploy_with_fewer_files_than_are_applied_succeeds(self, local_aws: LocalAwsCli, checkout: Path) -> None:
        file = checkout / "sql" / "st_chat_db" / numbered(6, "of_five")
        text = file.read_text()
        file.unlink()
        outcome = local_aws.cdk(checkout, "deploy", "Schema", "--require-approval", "never")
        assert outcome.status == 0, outcome.output
        assert local_aws.sql("SELECT to_regclass('fifth_of_five')::text") == [["fifth_of_five"]]
        file.write_text(text)

    def test_an_edited_applied_file_is_refused(self, local_aws: LocalAwsCli, checkout: Path) -> None:
        file = checkout / "sql" / "st_chat_db" / numbered(1, "note")
        text = file.read_text()
        file.write_text(text.replace("body text", "body varchar"))
        outcome = local_aws.cdk(checkout, "deploy", "Schema", "--require-approval", "never")
        assert outcome.status != 0
        assert f"sql/st_chat_db/{numbered(1, 'note')}" in outcome.output
        assert local_aws.stack_status("st-chat-dev-schema") == "UPDATE_ROLLBACK_COMPLETE"
        file.write_text(text)

    def test_two_stacks_that_deploy_at_once_run_each_migration_once(
        self, local_aws: LocalAwsCli, checkout: Path
    ) -> None:
        slow = "DO $$ BEGIN PERFORM pg_sleep(5); END $$;\n"
        migrate(checkout, numbered(7, "once"), slow + "CREATE TABLE once (at timestamptz);\n")
        secret = f"secret={local_aws.environment()['STCHAT_SECRET_ARN']}"
        second = f"{sys.executable} {Path(__file__).parent / 'second_app.py'}"
        commands = [
            ("deploy", "Schema", "--require-approval", "never"),
            ("deploy", "--app", second, "-c", secret, "--require-approval", "never"),
        ]
        with ThreadPoolExecutor() as both:
            outcomes = list(
                both.map(lambda each: local_aws.cdk(checkout, *each[1], out=f"cdk.out.{each[0]}"), enumerate(commands))
            )
        assert [outcome.status for outcome in outcomes] == [0, 0], outcomes
        assert local_aws.sql("SELECT count(*)::int FROM schema_migrations WHERE name LIKE '%_once.sql'") == [[1]]
        assert local_aws.sql("SELECT count(*)::int FROM once") == [[0]]
        assert local_aws.cdk(checkout, "destroy", "--app", second, "-c", secret, "--force").status == 0
        assert local_aws.sql("SELECT count(*)::int FROM once") == [[0]]  # Delete touches no data

    def test_a_mistake_in_the_sql_stops_synth_with_its_place(self, local_aws: LocalAwsCli, checkout: Path) -> None:
        file = migrate(checkout, numbered(8, "mistake"), "SELECT 1;\nCREATE TABEL x (id int);\n")
        outcome = local_aws.cdk(checkout, "synth", "--quiet")
        file.unlink()
        assert outcome.status != 0
        assert f'sql/st_chat_db/{numbered(8, "mistake")}:2:8: syntax error at or near "TABEL"' in outcome.output
        assert "Traceback" not in outcome.output

    def test_a_wrong_setting_stops_synth_with_its_field(self, local_aws: LocalAwsCli, checkout: Path) -> None:
        settings = checkout / "stacks" / "config.py"
        text = settings.read_text()
        settings.write_text(text.replace('Settings(stage="dev"', 'Settings(stage="dev", max_acu=0.5', 1))
        outcome = local_aws.cdk(checkout, "synth", "--quiet")
        settings.write_text(text)
        assert outcome.status != 0
        assert "dev: max_acu must be 1 to 256 ACU, got 0.5: Aurora allows no other" in outcome.output
        assert "Traceback" not in outcome.output


class TestOperations:
    def test_more_capacity(self, local_aws: LocalAwsCli, checkout: Path) -> None:
        outcome = local_aws.follow(checkout, "operations.md", "Raise the maximum capacity")
        assert outcome.status == 0, outcome.output
        assert outcome.output.splitlines()[-1] == "128.0"

    def test_always_on(self, local_aws: LocalAwsCli, checkout: Path) -> None:
        outcome = local_aws.follow(checkout, "operations.md", "Change to provisioned instances")
        assert outcome.status == 0, outcome.output
        assert [line.split("\t")[1] for line in outcome.output.splitlines()[-2:]] == ["db.r8g.large"] * 2


class TestTheEnd:
    def test_down_and_up_again_keeps_everything(self, local_aws: LocalAwsCli) -> None:
        turns = f"SELECT userid FROM {HISTORY} WHERE userid = 'e2e'"
        before = local_aws.sql(turns)
        endpoints = self.endpoints(local_aws)
        assert all(endpoint.endswith(".ap-northeast-1.rds.amazonaws.com") for endpoint in endpoints), endpoints
        local_aws.must("down")
        assert local_aws.run("status").status == 1
        local_aws.must("up", *local_aws.ports, "--no-deploy")
        assert local_aws.sql(turns) == before == [["e2e"]]
        assert self.endpoints(local_aws) == endpoints
        assert local_aws.stack_status("st-chat-dev-database") == "UPDATE_COMPLETE"

    @staticmethod
    def endpoints(local_aws: LocalAwsCli) -> list[str]:
        """Of the clusters, for writing and reading."""
        clusters = local_aws.client("rds").describe_db_clusters()["DBClusters"]
        return [cluster[name] for cluster in clusters for name in ("Endpoint", "ReaderEndpoint")]

    def test_a_snapshot_is_of_its_moment(self, local_aws: LocalAwsCli) -> None:
        """Not of the end: test_production.py restores it."""
        take_snapshot(local_aws)
        assert ["e2e"] in local_aws.sql(f"DELETE FROM {HISTORY} RETURNING userid")

    def test_destroy_leaves_a_final_snapshot(self, local_aws: LocalAwsCli, checkout: Path) -> None:
        outcome = local_aws.follow(checkout, "operations.md", "Remove everything")
        assert outcome.status == 0, outcome.output
        stacks = {stack["StackName"] for stack in local_aws.client("cloudformation").describe_stacks()["Stacks"]}
        assert stacks == {"CDKToolkit"}
        rds = local_aws.client("rds")
        assert rds.describe_db_clusters()["DBClusters"] == []
        snapshots = rds.describe_db_cluster_snapshots()["DBClusterSnapshots"]
        assert {snapshot["DBClusterIdentifier"] for snapshot in snapshots} == {"dbclusterstchat"}
        names = {snapshot["DBClusterSnapshotIdentifier"] for snapshot in snapshots}
        assert names - {SNAPSHOT}
        assert set(outcome.output.splitlines()[-1].split("	")) == names

    def test_the_final_snapshot_brings_it_back(self, local_aws: LocalAwsCli, checkout: Path) -> None:
        outcome = local_aws.follow(checkout, "operations.md", "Restore from the final snapshot")
        assert outcome.status == 0, outcome.output
        LocalAwsCli.environment.cache_clear()  # its secrets are new ones
        assert local_aws.sql("SELECT count(*)::int FROM schema_migrations WHERE name LIKE '%_once.sql'") == [[1]]
        secret = local_aws.environment()["STCHAT_APP_SECRET_ARN"]
        assert local_aws.sql("SELECT current_user::text", secret=secret) == [["st_chat_app"]]
        assert local_aws.sql(f"SELECT userid FROM {HISTORY}") == []
