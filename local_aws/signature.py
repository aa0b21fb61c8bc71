"""Signature Version 4: what a request's signature says, and whether it was made with a secret key.

Source: "Create a signed AWS API request", IAM user guide. Headers' names are in lower case throughout.
"""

from __future__ import annotations

import hashlib
import hmac
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, quote, unquote

ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED = "UNSIGNED-PAYLOAD"
# How far a request's date may be from the clock here; AWS allows 5 to 15 minutes, by service.
SKEW = timedelta(minutes=15)
UNRESERVED = "-_.~"


@dataclass(frozen=True)
class HttpRequest:
    """A request as it came: path and query are not decoded."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Signature:
    """In a header, or in the query of a presigned address, which is good for `expires` seconds."""

    access_key: str
    scope: str
    date: str
    signed_headers: str
    value: str
    expires: int | None = None

    @property
    def service(self) -> str:
        return self.scope.split("/")[2]


def parse(request: HttpRequest) -> Signature | None:
    """The signature of a request; None where there is none that could be checked."""
    authorization = request.headers.get("authorization", "")
    query = dict(parse_qsl(request.query, keep_blank_values=True))
    if authorization.startswith(ALGORITHM):
        parts = authorization.removeprefix(ALGORITHM).split(",")
        fields = dict(part.strip().partition("=")[::2] for part in parts)
        found = (fields.get("Credential"), fields.get("SignedHeaders"), fields.get("Signature"))
        date, expires = request.headers.get("x-amz-date", ""), None
    elif query.get("X-Amz-Algorithm") == ALGORITHM:
        found = (query.get("X-Amz-Credential"), query.get("X-Amz-SignedHeaders"), query.get("X-Amz-Signature"))
        date, expires = query.get("X-Amz-Date", ""), query.get("X-Amz-Expires", "")
    else:
        return None
    credential, signed_headers, value = found
    if not credential or not signed_headers or not value or credential.count("/") < 4:
        return None
    if expires is not None and not expires.isdecimal():
        return None
    access_key, _, scope = credential.partition("/")
    if scope.count("/") != 3:
        return None
    return Signature(access_key, scope, date, signed_headers, value, None if expires is None else int(expires))


def is_current(signature: Signature, now: datetime | None = None) -> bool:
    """Whether the request was signed for this moment, by its own date."""
    now = now or datetime.now(UTC)
    try:
        signed = datetime.strptime(signature.date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return False
    latest = signed + (SKEW if signature.expires is None else timedelta(seconds=signature.expires))
    return signature.scope.startswith(signature.date[:8]) and signed - SKEW <= now <= latest


def matches(signature: Signature, secret: str, request: HttpRequest, body: bytes) -> bool:
    """Whether the signature was made with `secret` for this request and this body."""
    declared = request.headers.get("x-amz-content-sha256", "")
    if signature.expires is not None and signature.service == "s3":
        declared = UNSIGNED
    digest = hashlib.sha256(body).hexdigest()
    if len(declared) == len(digest) and declared != digest:
        return False  # a digest of another body; what is shorter or longer says how the body is streamed
    canonical = "\n".join(
        (
            request.method,
            _path(request.path, signature.service),
            _query(request.query, presigned=signature.expires is not None),
            *(f"{name}:{_value(request.headers, name)}" for name in signature.signed_headers.split(";")),
            "",
            signature.signed_headers,
            declared or digest,
        )
    )
    to_sign = "\n".join((ALGORITHM, signature.date, signature.scope, hashlib.sha256(canonical.encode()).hexdigest()))
    key = f"AWS4{secret}".encode()
    for part in (*signature.scope.split("/"), to_sign):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.compare_digest(key.hex(), signature.value)


def _path(path: str, service: str) -> str:
    """S3 signs its path as it is sent, every other service the normalized path, encoded once more."""
    if service == "s3":
        return path or "/"
    normalized = posixpath.normpath(path or "/").replace("//", "/", 1)
    if path.endswith("/") and normalized != "/":
        normalized += "/"
    return quote(normalized, safe=f"/{UNRESERVED}")


def _query(query: str, *, presigned: bool) -> str:
    pairs = []
    for part in filter(None, query.split("&")):
        name, _, value = part.partition("=")
        if not (presigned and name == "X-Amz-Signature"):
            pairs.append((quote(unquote(name), safe=UNRESERVED), quote(unquote(value), safe=UNRESERVED)))
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def _value(headers: Mapping[str, str], name: str) -> str:
    return " ".join(headers.get(name, "").split())
