"""What stands in the way on this machine."""

from __future__ import annotations


class LocalError(Exception):
    """Something on this machine stands in the way; says what, and the hint."""


class DamagedError(LocalError):
    """A file of the local AWS cannot be read; what can be made anew, `up` makes anew."""


class CdkError(LocalError):
    """The CDK CLI failed; the local AWS did not."""
