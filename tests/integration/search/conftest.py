"""The project's own sql/ on a real PostgreSQL, and the application's role. A user of its own isolates each test."""

from __future__ import annotations
