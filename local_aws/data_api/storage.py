"""The directories of a control plane's clusters: a data directory each, snapshots, and what was deleted last."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from local_aws.data_api.errors import bad_request

# Names of snapshots and resource ids become names of directories: no path is one.
NAME = re.compile(r"[A-Za-z][A-Za-z0-9:-]{0,254}")


@dataclass(frozen=True)
class Storage:
    directory: Path

    def cluster(self, resource_id: str) -> Path:
        return self._of("resourceId", self.directory, resource_id)

    def snapshot(self, name: str) -> Path:
        return self._of("name", self.directory / "snapshots", name)

    def retire(self, resource_id: str, identifier: str, snapshot: str | None) -> Path:
        """Move a deleted cluster's data aside: its final snapshot if that is not there yet, else `deleted/`.

        What is in `deleted/` stays until the next cluster of that identifier is deleted.
        """
        kept = self.snapshot(snapshot) if snapshot else None
        if kept is None or kept.exists():
            kept = self._of("identifier", self.directory / "deleted", identifier)
            if kept.exists():
                shutil.rmtree(kept)
        kept.parent.mkdir(parents=True, exist_ok=True)
        self.cluster(resource_id).rename(kept)
        return kept

    @staticmethod
    def _of(field: str, directory: Path, name: str) -> Path:
        if not NAME.fullmatch(name):
            raise bad_request(f"{field} must be letters, digits, hyphens and colons after a letter, got {name[:80]!r}")
        return directory / name
