"""The control plane's state on disk: one file, replaced after each change, so that a kill at any moment loses nothing
that was answered, and leaves no half of anything.

A stack operation is saved when it has ended: killed in the middle, it never began. Deletions are saved as they go,
since the data of what is deleted goes with it; so are secrets, whose passwords a database has taken.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ministack import app
from ministack.core import persistence
from ministack.services import cloudformation, lambda_svc, rds, secretsmanager

from local_aws.credentials import write_private
from local_aws.state import INTERRUPTED, STACK_OPERATION

log = logging.getLogger("local_aws.ministack")

SECRETS = "secretsmanager"
ATTEMPTS, PAUSE_SECONDS = 20, 0.01
LATER_SECONDS = 0.25
# States that a stack stays in, or that are saved as they go; all others that end so are an operation's middle.
SAVED_AS_IT_GOES = ("REVIEW_IN_PROGRESS", "DELETE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
AFTER_A_STOP = {
    "DELETE_IN_PROGRESS": "DELETE_FAILED",
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": "UPDATE_COMPLETE",
}


class SavedState:
    """In place of ministack's own persistence, which saves at a clean stop alone."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._changes = self._saved = 0
        self._texts: dict[str, str] = {}
        self._lock = threading.Lock()
        self._loaded = self._load()
        self._prune: Any = lambda_svc._prune_orphan_code_blobs
        self._referenced: set[str] = set()

    def install(self) -> None:
        app.load_state = persistence.load_state = self.service
        app.save_all = lambda _services: self.save()
        # Code that nothing refers to any more is removed after the state that says so is on disk, not before.
        lambda_svc._prune_orphan_code_blobs = self._remember
        threading.Thread(target=self._save_later, daemon=True).start()

    def service(self, name: str) -> Any:
        """What was saved of a service."""
        found = self._loaded.get(name)
        if name == "cloudformation" and found:
            _repair_stacks(found)
        if name == "rds" and found:
            _repair_snapshots(found)
        return found

    def touch(self) -> None:
        """Something changed: it is saved soon."""
        self._changes += 1

    async def changed(self) -> str:
        """Something changed: returns when it is saved, with why it could not be; nothing where it was.

        In the middle of a stack operation only secrets are saved.
        """
        self.touch()
        change = self._changes
        failure = STACK_OPERATION
        if not busy():
            failure = "" if self._saved >= change else await asyncio.to_thread(self.save, change)
        return await asyncio.to_thread(self._save_secrets) if failure == STACK_OPERATION else failure

    def save(self, change: int = 0) -> str:
        """Save all that changed, up to `change` at least. Returns why it could not be saved; nothing where it was."""
        with self._lock:
            if change and self._saved >= change:
                return ""
            target = self._changes
            try:
                if not self._write():
                    return STACK_OPERATION
            except OSError as error:
                log.error("the state could not be saved: %s", error)
                return str(error)
            self._saved = target
            return ""

    def _write(self) -> bool:
        for _ in range(ATTEMPTS):
            if busy():
                return False
            before = _operations()
            try:
                texts = {name: _text(get()) for name, get in app._build_persistence_save_dict().items()}
            except RuntimeError:  # changed while it was read
                time.sleep(PAUSE_SECONDS)
                continue
            if busy():
                return False
            if _operations() != before:  # one began and ended while this was read: some of it may have been read before
                continue
            texts = {name: text for name, text in texts.items() if text != "null"} | {
                name: text for name, text in self._texts.items() if name not in texts
            }
            if texts != self._texts:
                self._replace(texts)
                self._prune(self._referenced)
            return True
        raise OSError(f"the state changed {ATTEMPTS} times while it was read")

    def _save_secrets(self) -> str:
        """In the middle of a stack operation: the secrets that were saved before it, as they are now.

        A rotation goes on meanwhile, and the database has taken the new password.
        """
        with self._lock:
            try:
                saved = json.loads(self._texts.get(SECRETS, "null"), object_hook=persistence._json_object_hook)
                if saved is None:
                    return ""
                current = secretsmanager.get_state()["secrets"]._data
                before = saved["secrets"]._data
                before.update({key: current[key] for key in before if key in current})
                if (text := _text(saved)) != self._texts[SECRETS]:
                    self._replace(self._texts | {SECRETS: text})
            except OSError as error:
                log.error("the secrets could not be saved: %s", error)
                return str(error)
        return ""

    def _replace(self, texts: dict[str, str]) -> None:
        members = ",\n".join(f"{json.dumps(name)}: {text}" for name, text in texts.items())
        write_private(self._path, f"{{{members}}}\n")
        self._texts = texts

    def _save_later(self) -> None:
        while True:
            time.sleep(LATER_SECONDS)
            if self._changes != self._saved and self.save() == STACK_OPERATION:
                self._save_secrets()

    def _load(self) -> dict[str, Any]:
        try:
            text = self._path.read_text()
        except FileNotFoundError:
            return {}
        try:
            loaded: dict[str, Any] = json.loads(text, object_hook=persistence._json_object_hook)
        except ValueError as error:
            raise SystemExit(
                f"{self._path} is damaged ({error}): `local-aws reset` removes it together with the databases; a "
                "copy of it put in its place keeps them"
            ) from None
        self._texts = {name: _text(payload) for name, payload in loaded.items()}
        return loaded

    def _remember(self, referenced: Iterable[str]) -> None:
        self._referenced = set(referenced)


def busy() -> bool:
    """Whether a stack is in the middle of an operation."""
    statuses = [str(stack.get("StackStatus", "")) for stack in list(cloudformation._stacks._data.values())]
    return any(status.endswith("_IN_PROGRESS") and status not in SAVED_AS_IT_GOES for status in statuses)


def _operations() -> list[tuple[str, ...]]:
    """The last operation of each stack."""
    names = ("StackId", "StackStatus", "LastUpdatedTime")
    return [tuple(str(stack.get(name)) for name in names) for stack in list(cloudformation._stacks._data.values())]


def _text(payload: Any) -> str:
    return json.dumps(payload, default=persistence._json_default)


def _repair_stacks(saved: dict[str, Any]) -> None:
    for stack in saved["stacks"]._data.values():
        if stack["StackStatus"] in AFTER_A_STOP:
            stack["StackStatus"] = AFTER_A_STOP[stack["StackStatus"]]
            stack["StackStatusReason"] = INTERRUPTED


def _repair_snapshots(saved: dict[str, Any]) -> None:
    """One whose data was still being copied has none."""
    for snapshot in saved.get("db_cluster_snapshots", rds._db_cluster_snapshots)._data.values():
        if snapshot.get("Status") == "creating":
            snapshot["Status"] = "failed"


def path() -> Path:
    return Path(os.environ["STATE_DIR"]) / "state.json"
