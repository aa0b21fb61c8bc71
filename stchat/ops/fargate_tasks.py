"""The Fargate tasks of a template, as `stchat cost` bills them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Tasks:
    """Of all services whose size the templates have: how many `services`, and what their tasks have together."""

    services: int = 0
    vcpus: float = 0
    gb: float = 0


def of(templates: Iterable[dict[str, Any]]) -> Tasks:
    services, vcpus, gb = 0, 0.0, 0.0
    for template in templates:
        resources = template["Resources"]
        for resource in resources.values():
            service = resource.get("Properties", {})
            if resource["Type"] != "AWS::ECS::Service" or service.get("LaunchType") != "FARGATE":
                continue
            definition = service.get("TaskDefinition")
            size = resources.get(definition.get("Ref"), {}) if isinstance(definition, dict) else {}
            cpu, memory = (str(size.get("Properties", {}).get(name)) for name in ("Cpu", "Memory"))
            count = service.get("DesiredCount", 1)
            if cpu.isdigit() and memory.isdigit() and isinstance(count, int):
                services, vcpus, gb = services + 1, vcpus + count * int(cpu) / 1024, gb + count * int(memory) / 1024
    return Tasks(services, vcpus, gb)
