"""Draws docs/architecture.svg from the templates, so that the picture cannot say what is not deployed.

`make snapshots` draws it anew; a test compares it with the templates.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

Template = dict[str, Any]

WIDTH, HEIGHT = 1250, 560
STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #1f2933 } .small { font-size: 11px; fill: #52606d }
  .title { font-weight: 600 } rect { fill: #fff; stroke: #9aa5b1; rx: 6 }
  .vpc { stroke: #7b61c9; stroke-dasharray: 6 4; fill: #faf8ff } .public { fill: #eef8ee; stroke: #6aa86a }
  .private { fill: #eef3fb; stroke: #5b85c4 } .cluster { fill: #fff; stroke: #3056a0; stroke-width: 1.6 }
  .code { fill: #fff8ec; stroke: #d9902f } .secret { fill: #fdf0f0; stroke: #c25b5b }
  path { stroke: #52606d; fill: none; marker-end: url(#arrow) }"""


def draw(templates: Mapping[str, Template]) -> str:
    """The picture of one stage, as SVG; `templates` by construct id of their stack."""
    network, database, schema = templates["Network"], templates["Database"], templates["Schema"]
    chat = _one(templates["Chat"], "AWS::Lambda::Function")
    vpc = _one(network, "AWS::EC2::VPC")
    cluster = _one(database, "AWS::RDS::DBCluster")
    group = _one(database, "AWS::EC2::SecurityGroup")
    capacity = cluster["ServerlessV2ScalingConfiguration"]
    shapes = [
        _box("vpc", 20, 60, 560, 480, f"VPC {_name(vpc)}", vpc["CidrBlock"] + ", no NAT gateway, no endpoint"),
    ]
    for subnet in _all(network, "AWS::EC2::Subnet"):
        tier = "public" if "public" in _name(subnet) else "private"
        column = int(_name(subnet).split(tier)[1][0]) - 1
        y, height, note = (120, 70, "route to the internet") if tier == "public" else (210, 310, "no route out")
        short = _name(subnet).split("subnet-")[1]
        shapes.append(_box(tier, 40 + column * 265, y, 255, height, short, f"{subnet['CidrBlock']}, {note}"))
    pause = capacity["SecondsUntilAutoPause"] // 60
    shapes.append(
        _box(
            "cluster",
            55,
            275,
            490,
            225,
            f"{cluster['DBClusterIdentifier']}: {cluster['Engine']} {cluster['EngineVersion']}",
            f"{capacity['MinCapacity']} to {capacity['MaxCapacity']} ACU, pauses after {pause} idle minutes",
        )
    )
    for column, instance in enumerate(_all(database, "AWS::RDS::DBInstance")):
        role = "reader" if instance["PromotionTier"] else "writer"
        zone = instance["AvailabilityZone"]
        shapes.append(_box("", 75 + column * 245, 335, 205, 50, f"{role}, {instance['DBInstanceClass']}", zone))
    [rule] = group["SecurityGroupIngress"]
    databases = sorted({file.split("/")[0] for file in _one(schema, "Custom::DataApiSchema")["Migrations"]})
    notes = [
        "databases " + ", ".join(databases) + "; pgvector with HNSW",
        f"encrypted, backups of {cluster['BackupRetentionPeriod']} days, passwords and IAM",
        f"security group {group['GroupName']}: TCP {rule['FromPort']} from {rule['CidrIp']}",
    ]
    shapes += [_text(75, 412 + 22 * line, note, "small") for line, note in enumerate(notes)]
    secrets = [secret["Name"] for secret in _all(database, "AWS::SecretsManager::Secret")]
    count = len(_one(schema, "Custom::DataApiSchema")["Migrations"])
    size = f"{chat['Runtime']}, {chat['Architectures'][0]}, {chat['MemorySize']} MiB, {chat['Timeout']} s"
    shapes += [
        _box("code", 700, 30, 270, 70, "your application", "Lambda, Fargate, a notebook; as st_chat_app"),
        _box("code", 700, 140, 270, 60, "chat function", f"{size}; IAM"),
        _box("", 1030, 140, 200, 60, "Bedrock", chat["Environment"]["Variables"]["STCHAT_EMBEDDING_MODEL"]),
        _box("", 700, 240, 270, 60, "RDS Data API", "HTTPS; wakes the cluster"),
        _box("secret", 700, 340, 270, 60, "Secrets Manager", ", ".join(secrets)),
        _box("code", 700, 440, 270, 80, "custom resource", f"a Lambda: {count} migrations of sql/,"),
        _text(714, 504, "then the roles' passwords", "small"),
        _arrow("M835 100 V136"),
        _arrow("M970 65 H1130 V136"),
        _arrow("M970 170 H1026"),
        _arrow("M835 200 V236"),
        _arrow("M700 65 H675 V258 H696"),
        _arrow("M700 278 H620 V310 H549"),
        _arrow("M835 300 V336"),
        _arrow("M835 440 V404"),
        _arrow("M700 480 H675 V290 H696"),
    ]
    region = _all(database, "AWS::RDS::DBInstance")[0]["AvailabilityZone"][:-1]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
            f"<title>What is deployed in {region}</title><style>{STYLE}</style>",
            '<defs><marker id="arrow" markerWidth="9" markerHeight="9" refX="7" refY="4" orient="auto">'
            '<polygon points="0 0, 8 4, 0 8" fill="#52606d"/></marker></defs>',
            f'<rect x="0" y="0" width="{WIDTH}" height="{HEIGHT}" style="stroke:none"/>',
            _text(20, 35, f"AWS, {region}", "title"),
            *shapes,
            "</svg>\n",
        ]
    )


def _all(template: Template, kind: str) -> list[dict[str, Any]]:
    return [found["Properties"] for found in template["Resources"].values() if found["Type"] == kind]


def _one(template: Template, kind: str) -> dict[str, Any]:
    [found] = _all(template, kind)
    return found


def _name(resource: dict[str, Any]) -> str:
    return next(str(tag["Value"]) for tag in resource["Tags"] if tag["Key"] == "Name")


def _text(x: int, y: int, text: str, kind: str = "") -> str:
    return f'<text x="{x}" y="{y}" class="{kind}">{escape(text)}</text>'


def _box(kind: str, x: int, y: int, width: int, height: int, title: str, note: str) -> str:
    return (
        f'<rect class="{kind}" x="{x}" y="{y}" width="{width}" height="{height}"/>'
        + _text(x + 14, y + 24, title, "title")
        + _text(x + 14, y + 43, note, "small")
    )


def _arrow(path: str) -> str:
    return f'<path d="{path}"/>'
