"""Draws docs/architecture.svg from the templates, so that the picture cannot show what is not deployed.

`make snapshots` draws it anew; a test compares it with the templates. Legible on light and on dark pages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

Template = dict[str, Any]

WIDTH, HEIGHT = 1200, 608
STYLE = """
  text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #52606d }
  .title { font-size: 15px; font-weight: 600; fill: #1f2933 }
  rect { rx: 8; fill: #f5f7fa; stroke: #7b8794; stroke-width: 1.2 }
  .page { fill: #fff; stroke: none } .group { fill: none; stroke-dasharray: 5 4 }
  .vpc { fill: #faf8ff; stroke: #7b61c9; stroke-dasharray: 6 4 }
  .public { fill: #eef8ee; stroke: #6aa86a } .private { fill: #eef3fb; stroke: #5b85c4 }
  .cluster { fill: #fff; stroke: #3056a0; stroke-width: 2 }
  .code { fill: #fff6e6; stroke: #d9902f } .secret { fill: #fdf0f0; stroke: #c25b5b }
  path { stroke: #7b8794; stroke-width: 1.6; fill: none; marker-end: url(#arrow) } polygon { fill: #7b8794 }
  @media (prefers-color-scheme: dark) {
    text { fill: #a3b1c0 } .title { fill: #e6ebf1 } rect { fill: #1b222c; stroke: #8a97a6 } .page { fill: #0f141b }
    .group { fill: none } .vpc { fill: #15141f; stroke: #9a86dd } .public { fill: #14201a; stroke: #5f9a63 }
    .private { fill: #141c2a; stroke: #5f8bd0 } .cluster { fill: #1a2433; stroke: #7fa7e8 }
    .code { fill: #261d10; stroke: #d9902f } .secret { fill: #291618; stroke: #cf7373 }
  }"""


def draw(templates: Mapping[str, Template]) -> str:
    """The picture of one stage, as SVG; `templates` by construct id of their stack."""
    shapes = [
        *_network(templates["Network"]),
        *_cluster(templates["Database"], templates["Schema"]),
        *_callers(templates["Chat"], templates["Database"], templates["Schema"]),
    ]
    region = _all(templates["Database"], "AWS::RDS::DBInstance")[0]["AvailabilityZone"][:-1]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
            f"<title>What is deployed in {region}</title><style>{STYLE}</style>",
            '<defs><marker id="arrow" markerWidth="9" markerHeight="9" refX="7" refY="4" orient="auto">'
            '<polygon points="0 0, 8 4, 0 8"/></marker></defs>',
            f'<rect class="page" width="{WIDTH}" height="{HEIGHT}"/>',
            _text(24, 44, f"AWS, {region}", "title"),
            *shapes,
            "</svg>\n",
        ]
    )


def _network(network: Template) -> list[str]:
    vpc = _one(network, "AWS::EC2::VPC")
    shapes = [_box("vpc", 636, 24, 540, 560, f"VPC {_name(vpc)}", f"{vpc['CidrBlock']}, no NAT gateway, no endpoint")]
    for subnet in _all(network, "AWS::EC2::Subnet"):
        tier = "public" if "public" in _name(subnet) else "private"
        column = int(_name(subnet).split(tier)[1][0]) - 1
        y, height, note = (92, 64, "to the internet") if tier == "public" else (172, 392, "no route out")
        name = _name(subnet).split("subnet-")[1]
        shapes.append(_box(tier, 656 + column * 255, y, 245, height, name, f"{subnet['CidrBlock']}, {note}"))
    return shapes


def _cluster(database: Template, schema: Template) -> list[str]:
    cluster = _one(database, "AWS::RDS::DBCluster")
    capacity = cluster["ServerlessV2ScalingConfiguration"]
    [rule] = _one(database, "AWS::EC2::SecurityGroup")["SecurityGroupIngress"]
    databases = sorted({file.split("/")[0] for file in _one(schema, "Custom::DataApiSchema")["Migrations"]})
    shapes = [
        _box(
            "cluster",
            676,
            244,
            460,
            300,
            f"{cluster['DBClusterIdentifier']}: {cluster['Engine']} {cluster['EngineVersion']}",
            f"{capacity['MinCapacity']} to {capacity['MaxCapacity']} ACU,"
            f" pauses after {capacity['SecondsUntilAutoPause'] // 60} idle minutes",
        )
    ]
    for column, instance in enumerate(_all(database, "AWS::RDS::DBInstance")):
        title = f"{'reader' if instance['PromotionTier'] else 'writer'}, {instance['DBInstanceClass']}"
        shapes.append(_box("", 696 + column * 215, 320, 205, 64, title, instance["AvailabilityZone"]))
    notes = [
        "databases " + ", ".join(databases) + ", with pgvector",
        f"TCP {rule['FromPort']} from {rule['CidrIp']} alone; the Data API needs no port",
        f"encrypted, backups of {cluster['BackupRetentionPeriod']} days",
        "logins by password and by IAM",
    ]
    return shapes + [_text(696, 420 + 30 * line, note) for line, note in enumerate(notes)]


def _callers(chat: Template, database: Template, schema: Template) -> list[str]:
    function = _one(chat, "AWS::Lambda::Function")
    secrets = [secret["Name"] for secret in _all(database, "AWS::SecretsManager::Secret")]
    count = len(_one(schema, "Custom::DataApiSchema")["Migrations"])
    model = function["Environment"]["Variables"]["STCHAT_EMBEDDING_MODEL"]
    size = f"{function['Runtime']}, {function['Architectures'][0]}, {function['MemorySize']} MiB"
    return [
        _box("group", 24, 72, 276, 316, "as the role st_chat_app"),
        _box("code", 40, 116, 244, 84, "your application", "with stchat: Lambda, Fargate,", "Streamlit, a notebook"),
        _box("code", 40, 284, 244, 84, "chat function", size, "a function URL, with IAM"),
        _box("code", 40, 440, 244, 84, "custom resource", f"a Lambda: {count} migrations of sql/,", "roles' passwords"),
        _box("", 356, 126, 230, 64, "Bedrock", model),
        _box("", 356, 294, 230, 64, "RDS Data API", "HTTPS; resumes the cluster"),
        _box("secret", 356, 440, 230, 84, "Secrets Manager", secrets[0], ", ".join(secrets[1:])),
        _arrow("M162 200 V280"),
        _arrow("M300 158 H352"),
        _arrow("M300 326 H352"),
        _arrow("M586 326 H672"),
        _arrow("M471 358 V436"),
        _arrow("M284 468 H328 V346 H352"),
        _arrow("M284 496 H352"),
    ]


def _all(template: Template, kind: str) -> list[dict[str, Any]]:
    return [found["Properties"] for found in template["Resources"].values() if found["Type"] == kind]


def _one(template: Template, kind: str) -> dict[str, Any]:
    [found] = _all(template, kind)
    return found


def _name(resource: dict[str, Any]) -> str:
    return next(str(tag["Value"]) for tag in resource["Tags"] if tag["Key"] == "Name")


def _text(x: int, y: int, text: str, kind: str = "note") -> str:
    return f'<text x="{x}" y="{y}" class="{kind}">{escape(text)}</text>'


def _box(kind: str, x: int, y: int, width: int, height: int, title: str, *notes: str) -> str:
    lines: Sequence[str] = [_text(x + 16, y + 48 + 20 * line, note) for line, note in enumerate(notes)]
    rect = f'<rect class="{kind}" x="{x}" y="{y}" width="{width}" height="{height}"/>'
    return "".join([rect, _text(x + 16, y + 27, title, "title"), *lines])


def _arrow(path: str) -> str:
    return f'<path d="{path}"/>'
