"""The resources of several templates, and whether one refers to another: by Ref, GetAtt, Sub, import or name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Location = tuple[int, str]
"""The number of a template, and a logical id in it."""


class Templates:
    def __init__(self, templates: Sequence[Mapping[str, Any]]) -> None:
        self._templates = templates
        self._exports = {
            str(output["Export"]["Name"]): (number, output["Value"])
            for number, template in enumerate(templates)
            for output in template.get("Outputs", {}).values()
            if "Export" in output
        }

    def of_type(self, kind: str) -> Iterator[tuple[Location, Mapping[str, Any]]]:
        """Location and properties of each resource of a type."""
        for number, template in enumerate(self._templates):
            for id, resource in template.get("Resources", {}).items():
                if resource["Type"] == kind:
                    yield (number, id), resource.get("Properties", {})

    def refers(self, location: Location, value: Any, target: Location, name: Any) -> bool:
        """Whether `value`, in the template of `location`, is or holds a reference to `target`, or its physical name."""
        return target in self._locations(location[0], value) or (
            isinstance(name, str) and any(re.search(rf"(^|:){name}$", text) for text in _texts(value))
        )

    def _locations(self, number: int, value: Any) -> set[Location]:
        match value:
            case {"Ref": str(id)}:
                return {(number, id)}
            case {"Fn::GetAtt": [str(id), _]}:
                return {(number, id)}
            case {"Fn::GetAtt": str(path)}:
                return {(number, path.split(".")[0])}
            case {"Fn::Sub": str(text)}:
                return {(number, id) for id in re.findall(r"\$\{(\w+)[.}]", text)}
            case {"Fn::Sub": [str(text), variables]}:
                return self._locations(number, [{"Fn::Sub": text}, variables])
            case {"Fn::ImportValue": name} if str(name) in self._exports:
                return self._locations(*self._exports[str(name)])
            case dict():
                return {location for part in value.values() for location in self._locations(number, part)}
            case list():
                return {location for part in value for location in self._locations(number, part)}
        return set()


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for part in value.values():
                yield from _texts(part)
        case list():
            for part in value:
                yield from _texts(part)
