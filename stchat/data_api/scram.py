"""What PostgreSQL keeps of a password, so that the password itself need not be sent (RFC 5802, RFC 7677)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

ITERATIONS = 4096  # PostgreSQL's own default


def verifier(password: str, salt: bytes | None = None) -> str:
    """For `ALTER ROLE ... PASSWORD '<verifier>'`. ASCII alone, which SASLprep leaves as it is."""
    if not password or not password.isascii() or not password.isprintable():
        raise ValueError("password must be printable ASCII and not empty")
    salt = salt or secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, ITERATIONS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    return f"SCRAM-SHA-256${ITERATIONS}:{_text(salt)}${_text(stored)}:{_text(server)}"


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()
