"""stchat cost: sums, and its messages for a wrong load or a wrong price list."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stchat.errors import SettingsError
from stchat.ops import prices, templates, transport_cost
from stchat.ops.cli.main import main
from stchat.ops.cost import Line, Load, alternatives, bill, without_readers
from stchat.ops.fargate_tasks import Tasks
from stchat.ops.templates import Billed
from tests.support.repository import REPOSITORY

PRICES = prices.load()
DEV = Billed(
    stage="dev",
    instances=("db.serverless", "db.serverless"),
    min_acu=0,
    max_acu=64,
    pause_seconds=1800,
    backup_days=7,
    zones=2,
    secrets=3,
    rotated_every_days=None,
    alarms=0,
    dashboards=0,
    keys=0,
    nat_gateways=0,
    endpoint_zones=0,
    proxies=0,
    flow_logs=False,
    database_logs=False,
    chat_mb=None,
    traced=False,
)


def changed(**fields: Any) -> Billed:
    return Billed(**{**DEV.__dict__, **fields})


def lines(billed: Billed = DEV, **load: Any) -> dict[str, Line]:
    return {line.item: line for line in bill(billed, Load(**load), PRICES)}


def busy(line: Line) -> float:
    return round(line.price.of(line.busy), 6)


class TestTheSumsThatTheDesignRestsOn:
    def test_data_api_of_a_hundred_thousand_people(self) -> None:
        assert busy(lines(people=100_000, requests=3_000)["Data API"]) == 126

    def test_a_proxy_on_serverless(self) -> None:
        [proxy] = [option for option in alternatives(DEV, PRICES) if option.what.startswith("RDS Proxy on Serverless")]
        assert proxy.quantity == 8 * 24 * 30
        assert round(proxy.price.of(proxy.quantity), 6) == 144

    def test_a_proxy_on_instances(self) -> None:
        large = changed(instances=("db.r6g.large",), pause_seconds=None, proxies=1)
        assert busy(lines(large)["RDS Proxy on db.r6g.large"]) == 13 * 2

    def test_nat_gateways_are_none(self) -> None:
        assert "NAT gateways" not in lines()

    def test_capacity_is_nothing_while_paused(self) -> None:
        assert lines()["Aurora capacity"].idle == 0


def test_an_idle_dev_is_storage_and_secrets() -> None:
    idle = {item: line.price.of(line.idle) for item, line in lines().items() if line.idle}
    assert set(idle) == {"Aurora storage", "secrets"}
    assert idle["secrets"] == pytest.approx(1.20)


@pytest.mark.parametrize(
    ("billed", "load", "idle", "busy"),
    [
        # 2 instances, 30 days of 8 h at 2 ACU, then half an hour at 0.5 until the pause
        (DEV, Load(), 0, 2 * 30 * (8 * 2 + 0.5 * 0.5)),
        (DEV, Load(active_hours=24), 0, 2 * 30 * 24 * 2),
        (DEV, Load(active_hours=0, wakes=0), 0, 0),
        (DEV, Load(active_hours=2, wakes=4), 0, 2 * 30 * (2 * 2 + 4 * 0.5 * 0.5)),
        # one rotation a month of each of 3 secrets wakes it, and it waits for the pause again
        (changed(rotated_every_days=30), Load(), 2 * 3 * 0.5 * 0.5, 2 * (30 * 16.25 + 3 * 0.25)),
        (changed(min_acu=0.5, pause_seconds=None), Load(), 2 * 720 * 0.5, 2 * 30 * (8 * 2 + 16 * 0.5)),
        (changed(min_acu=4, pause_seconds=None), Load(acu=6), 2 * 720 * 4, 2 * 30 * (8 * 6 + 16 * 4)),
        # a provisioned instance blocks the other one's auto-pause
        (changed(instances=("db.serverless", "db.r6g.large")), Load(), 720 * 0.5, 30 * (8 * 2 + 16 * 0.5)),
    ],
)
def test_acu_hours(billed: Billed, load: Load, idle: float, busy: float) -> None:
    found = {line.item: line for line in bill(billed, load, PRICES)}.get("Aurora capacity")
    assert (found.idle, found.busy) == (idle, busy) if found else idle == busy == 0


def test_what_a_larger_stage_adds() -> None:
    more = changed(
        instances=("db.r6g.large", "db.r6g.large"), pause_seconds=None, backup_days=35, alarms=3, dashboards=1, keys=1,
        nat_gateways=1, endpoint_zones=2, flow_logs=True, database_logs=True, chat_mb=512, traced=True,
        tasks=Tasks(1, 0.5, 1),
    )  # fmt: skip
    found = lines(more, people=10, requests=1_000, gb=100, acu=0)
    assert {item: busy(line) for item, line in found.items() if item not in lines()} == {
        "chat function, calls": 0.002,
        "chat function, time": round(10_000 * 0.1 * 0.5 * 0.0000133334, 6),
        "chat function, logs": 0.0076,
        "chat function, traces": 0.0025,
        "flow logs": 0.038,
        "PostgreSQL's log": 0.076,
        "alarms": 0.3,
        "messages of alarms": 0.00005,
        "dashboards": 3,
        "customer keys": 1,
        "VPC endpoints": round(2 * 720 * 0.014, 6),
        "Fargate, processors": round(0.5 * 720 * 0.05056, 6),
        "Fargate, memory": round(720 * 0.00553, 6),
        "NAT gateways": 44.64,
        "instances db.r6g.large": 450.72,
    }
    assert busy(found["Aurora storage"]) == 12
    assert found["Aurora backups"].busy == 100 * 0.02 * 34


def test_a_class_without_a_price_is_named() -> None:
    with pytest.raises(SettingsError) as error:
        lines(changed(instances=("db.r9z.large",), pause_seconds=None))
    assert str(error.value) == (
        f'{prices.FILE} has no price of r9z.large instances: add a table [instance."r9z.large"]; it has '
        "r6g.large, r6g.xlarge, r6g.2xlarge"
    )


@pytest.mark.parametrize(
    ("load", "message"),
    [
        ({"people": -1}, "people must be a number from 0 to 1e15, got -1"),
        ({"gb": float("nan")}, "gb must be a number from 0 to 1e15, got nan"),
        ({"active_hours": 25}, "active_hours must be at most 24 a day, got 25"),
        ({"traced": 5}, "traced must be a part from 0 to 1, got 5: 5 % is 0.05"),
        (
            {"acu": 65},
            "acu must be 0.5 to 64, the max_acu of dev, got 65: it is the average of an instance in the active hours",
        ),
    ],
)
def test_a_wrong_load(load: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError) as error:
        lines(**load)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("usd = 0.42", "usd = -1", "[data_api_request] usd must be a number from 0 to 1e12, got -1"),
        ("usd = 0.42", 'usd = "0.42"', "[data_api_request] usd must be a number from 0 to 1e12, got '0.42'"),
        ("usd = 0.42\n", "", "[data_api_request] usd must be a number from 0 to 1e12, got 'nothing'"),
        ("usd = 0.42", "usd = 0.42\nusdd = 1", "[data_api_request] has a field usdd: the fields are usd, per, unit,"
         " as_of, source, found, confirmed"),
        ("[trace]", "[tracee]", f"[trace] is missing: copy the table from {prices.FILE}"),
        ("vcpus = 2", "vcpus = 0", '[instance."r6g.large"] vcpus must be a whole number from 1 to 1e12, got 0'),
        ('region = "ap-northeast-1"', "region = 1", "region must be a text, got 1"),
        ("2023-02-07", '"2023-02-07"', "[flow_log_gb] as_of must be a day like 2026-11-25, without quotes, got"
         " '2023-02-07'"),
    ],
)  # fmt: skip
def test_a_wrong_price_list(tmp_path: Path, old: str, new: str, message: str) -> None:
    file = tmp_path / "prices.toml"
    text = prices.FILE.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    with pytest.raises(SettingsError) as error:
        prices.load(file)
    assert f"{file}: {message}" in str(error.value).splitlines()


def test_a_price_list_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"^cannot read prices: .*absent.toml must be .* got no such file: check"):
        prices.load(tmp_path / "absent.toml")
    (tmp_path / "x.toml").write_text("usd 1")
    with pytest.raises(SettingsError, match=r"x.toml must be TOML: Expected '='"):
        prices.load(tmp_path / "x.toml")


def test_every_price_has_its_day_and_source_and_is_confirmed_or_says_not() -> None:
    for price in (*PRICES.prices.values(), *PRICES.instances.values()):
        assert price.source and price.found
        assert price.confirmed == (price.found == "the sums that the design rests on")


def test_prices_of_ones_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "prices.toml"
    file.write_text(prices.FILE.read_text().replace("usd = 0.42", "usd = 0.35", 1))
    snapshots = Path(__file__).parents[2] / "infra" / "snapshots"
    words = ["cost", "--templates", str(snapshots), "--prices", str(file), "--people", "100000", "--json"]
    assert main(words) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["busy_usd"] for row in rows if row["item"] == "Data API"] == [105.0, 105.0]
    assert [row["stage"] for row in rows if row["item"] == "Data API"] == ["dev", "prod"]


def test_a_folder_without_templates(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cost", "--templates", str(tmp_path), "--stage", "dev"]) == 1
    assert capsys.readouterr().err == (
        f"error: {tmp_path / 'dev'} has no templates: make them with `cdk synth --output {tmp_path / 'dev'}`\n"
    )


APP = """
import json, os, pathlib, sys
context = json.loads(os.environ["CDK_CONTEXT_JSON"])
if context["stage"] not in ("dev", "prod"):
    sys.exit("stage must be one of dev, prod")
cluster = {"Type": "AWS::RDS::DBCluster", "Properties": {"BackupRetentionPeriod": context["days"]}}
out = pathlib.Path(os.environ["CDK_OUTDIR"])
(out / "Database.template.json").write_text(json.dumps({"Resources": {"Cluster": cluster}}))
(out / "manifest.json").write_text("{}")
"""


def test_without_templates_the_app_is_synthesized(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "cdk.json").write_text('{"context": {"days": 9}}')
    monkeypatch.chdir(tmp_path)
    assert [(one.stage, one.backup_days) for one in templates.synthesize(("dev", "prod"))] == [("dev", 9), ("prod", 9)]
    assert main(["cost", "--stage", "test"]) == 1
    assert capsys.readouterr().err.endswith("error: stage test cannot be synthesized: stage must be one of dev, prod\n")


SNAPSHOTS = Path(__file__).parents[2] / "infra" / "snapshots"


def test_it_reads_well_at_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cost", "--templates", str(SNAPSHOTS)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if len(line) > 80] == []
    assert "readers=0 saves 0.00 USD idle, 97.50 USD busy: no Data API call reaches a" in lines
    assert main(["cost", "--templates", str(SNAPSHOTS), "--wide"]) == 0
    assert "| AWS's page" in capsys.readouterr().out


def test_what_a_reader_costs() -> None:
    assert without_readers(DEV, Load(), PRICES) == pytest.approx((0, 97.5))
    assert without_readers(changed(instances=("db.serverless",)), Load(), PRICES) is None
    provisioned = changed(instances=("db.r6g.large", "db.r6g.large"), pause_seconds=None)
    assert without_readers(provisioned, Load(acu=0), PRICES) == pytest.approx((225.36, 225.36))


def test_the_templates_of_any_app(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scaling = {"MinCapacity": 0, "MaxCapacity": 8}
    resources: dict[str, Any] = {
        "Db": {"Type": "AWS::RDS::DBCluster", "Properties": {"ServerlessV2ScalingConfiguration": scaling}},
        "Writer": {"Type": "AWS::RDS::DBInstance", "Properties": {"DBInstanceClass": "db.serverless"}},
        "Subnet": {"Type": "AWS::EC2::Subnet", "Properties": {"AvailabilityZone": {"Fn::Select": [0, "x"]}}},
        "Rotation": {"Type": "AWS::SecretsManager::RotationSchedule",
                     "Properties": {"RotationRules": {"ScheduleExpression": "cron(0 8 1 * ? *)"}}},
        "Queue": {"Type": "AWS::SQS::Queue"},
    }  # fmt: skip
    file = tmp_path / "Orders.template.json"
    file.write_text(json.dumps({"Resources": resources}))
    assert main(["cost", "--templates", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert f"{tmp_path.name}: " in shown and "pauses after 300 s" in shown
    assert "Not in the sums: 1 x AWS::SQS::Queue." in shown
    assert "schema give --gb, and --embeddings 0." in shown
    resources["Writer"]["Properties"] = {"DBInstanceClass": {"Ref": "Class"}}
    file.write_text(json.dumps({"Resources": resources}))
    assert main(["cost", "--templates", str(tmp_path)]) == 1
    assert capsys.readouterr().err == (
        f"error: stage {tmp_path.name} must have a value for DBInstanceClass in its template, got"
        ' {"Ref": "Class"}: cost reads no parameters of CloudFormation\n'
    )


def test_without_an_app_it_says_where_to_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["cost", "--stage", "dev"]) == 1
    assert "error: there is no cdk.json in " in capsys.readouterr().err


def test_the_documents_commands() -> None:
    root = Path(__file__).parents[3]
    block = (root / "docs" / "costs.md").read_text().split("```sh\n")[1].split("```")[0]
    commands = [line.partition("#")[0].split()[1:] for line in block.splitlines()]
    assert len(commands) == 4
    for words in commands:
        assert words[0] == "cost"
        assert main([*words, "--templates", str(root / "tests" / "infra" / "snapshots")]) == 0


def test_which_transport_is_cheaper() -> None:
    """The Data API's price is per call, the direct connection's per hour."""
    found = transport_cost.compare(DEV, Load(people=1, requests=1_000_000), PRICES)
    assert found.data_api == found.per_million == pytest.approx(0.42)
    tasks = 2 * 720 * (0.25 * 0.05056 + 0.5 * 0.00553)
    assert found.direct == pytest.approx(tasks + 2 * 4 * 720 * 0.014)
    at_par = Load(people=1, requests=round(found.break_even))
    assert transport_cost.compare(DEV, at_par, PRICES).data_api == pytest.approx(found.direct, abs=1e-6)
    assert "It is cheaper from" in transport_cost.sentence(DEV, Load(), PRICES)
    assert f"{found.direct:.2f} USD a month" in (REPOSITORY / "docs" / "transports.md").read_text()
