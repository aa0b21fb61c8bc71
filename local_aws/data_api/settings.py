"""How the endpoint behaves where AWS's own figures are too long for a test or for local work."""

from __future__ import annotations

from dataclasses import dataclass, field

from local_aws.data_api.transactions import Limits


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Seconds throughout. `idle_seconds` is the standalone cluster's auto-pause interval; None: it never pauses."""

    resume_seconds: float = 15.0
    statement_seconds: float = 45.0
    idle_seconds: float | None = None
    transactions: Limits = field(default_factory=Limits)
