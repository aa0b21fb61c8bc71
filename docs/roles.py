"""Writes docs/generated/roles.md: what each role that `prod` makes may do, and to what.

`make findings` writes it anew; a test compares it with the templates, so that a role that may do more is noticed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from docs.findings import new_app
from stacks.config import prod

PROD = prod()

Template = dict[str, Any]

TABLE = Path("docs/generated/roles.md")
HEAD = """# IAM roles of `prod`: actions and resources of each

Written by `make findings` from the templates of `prod`; a test compares it with them. The reason for each resource
with a `*` is in [findings.md](findings.md), under IAM5.

"""


def write(templates: Mapping[str, Template]) -> str:
    """The document; `templates` by construct id of their stack."""
    lines = ["| stack | role | for | actions | resources |", "| --- | --- | --- | --- | --- |"]
    for stack, template in templates.items():
        for role, found in _of_type(template, "AWS::IAM::Role"):
            principals = _service_principals(found["AssumeRolePolicyDocument"])
            rows = [*_managed(found), *_statements(template, role, found)]
            lines += [f"| {stack} | {role} | {principals} | {actions} | {resources} |" for actions, resources in rows]
    return HEAD + "\n".join(lines) + "\n"


def _statements(template: Template, role: str, found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    documents = [policy["PolicyDocument"] for policy in found.get("Policies", [])]
    documents += [
        policy["PolicyDocument"]
        for _, policy in _of_type(template, "AWS::IAM::Policy")
        if {"Ref": role} in policy["Roles"]
    ]
    for document in documents:
        for statement in document["Statement"]:
            effect = "" if statement["Effect"] == "Allow" else f"{statement['Effect']} "
            yield effect + ", ".join(_list(statement["Action"])), ", ".join(map(shown, _list(statement["Resource"])))


def _managed(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for policy in found.get("ManagedPolicyArns", []):
        yield f"AWS's policy {shown(policy).rpartition('/')[2]}", "as that policy says"


def _service_principals(document: Mapping[str, Any]) -> str:
    [statement] = document["Statement"]
    return ", ".join(_list(statement["Principal"]["Service"]))


def shown(value: Any) -> str:
    """An ARN in short, logical ids in <>."""
    match value:
        case {"Ref": str(id)}:
            return f"<{id.removeprefix('AWS::')}>"
        case {"Fn::GetAtt": [id, attribute]}:
            return f"<{id}{'' if attribute == 'Arn' else '.' + attribute}>"
        case {"Fn::Join": [separator, parts]}:
            return str(separator).join(map(shown, parts))
        case {"Fn::ImportValue": str(name)}:
            # An export of the CDK's: <stack>:ExportsOutput<Ref or FnGetAtt><logical id><hash>
            exported = re.sub(r"^ExportsOutput(Ref|FnGetAtt)|(Arn)?[0-9A-F]{8}$", "", name.partition(":")[2])
            return f"<{exported}>"
    return str(value)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _of_type(template: Template, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for id, found in template["Resources"].items():
        if found["Type"] == kind:
            yield id, found["Properties"]


if __name__ == "__main__":
    stacks = new_app(PROD).synth().stacks
    TABLE.write_text(write({stack.display_name.split(" ")[0]: stack.template for stack in stacks}))
