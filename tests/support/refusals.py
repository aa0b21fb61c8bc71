"""The shape of the text that refuses a setting."""

from __future__ import annotations

import re

REFUSAL = re.compile(r"(?P<scope>[\w/-]*): (?P<field>\w+) must (?P<rule>.+?), got (?P<got>[^:]*): (?P<hint>\S.*)")
"""`<stage or construct>: <field> must ..., got <value>: <hint>`."""
