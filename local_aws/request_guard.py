"""Who may ask the local AWS: programs that sign with its access key. No web page, whatever a browser sends.

Loopback is no authentication: every page that a browser shows can send requests to 127.0.0.1.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from xml.sax.saxutils import escape

from local_aws import signature
from local_aws.credentials import AccessKey
from local_aws.signature import HttpRequest

# What a page of another origin may send without asking first. AWS's query protocol uses the third, so it is allowed
# where that protocol is spoken; S3 takes objects of any type, by PUT.
TEXT, MULTIPART, FORM = "text/plain", "multipart/form-data", "application/x-www-form-urlencoded"
SecretOf = Callable[[str], str | None]


@dataclass(frozen=True)
class Refusal:
    """AWS's name of the error, and why. The status is 403."""

    code: str
    message: str


@dataclass(frozen=True)
class RequestGuard:
    """`port`: the server's own. `refused_types`: content types of a POST that no AWS client sends there."""

    key: AccessKey
    port: int
    refused_types: tuple[str, ...] = (TEXT, MULTIPART)

    def refuse_browser(self, request: HttpRequest) -> Refusal | None:
        """Before the body is read: what a browser sends, and what it sends for a name that was bound to 127.0.0.1."""
        headers = request.headers
        hosts = (f"127.0.0.1:{self.port}", f"localhost:{self.port}")
        if headers.get("host") not in hosts:
            return _denied("Host", " or ".join(hosts), headers.get("host"))
        if "origin" in headers:
            return _denied("Origin", "absent: no web page is served", headers["origin"])
        if headers.get("sec-fetch-site", "none") != "none":
            return _denied("Sec-Fetch-Site", "none or absent: no web page is served", headers["sec-fetch-site"])
        return None

    def refuse_unsigned(self, request: HttpRequest) -> Refusal | None:
        if signature.parse(request) is None:
            return Refusal(
                "MissingAuthenticationTokenException",
                "Missing Authentication Token: the local AWS takes requests that are signed with its access key, which "
                '`eval "$(local-aws env)"` exports',
            )
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if request.method == "POST" and media_type in self.refused_types:
            return _denied("Content-Type", "one that AWS clients send", media_type)
        return None

    def refuse_signature(self, request: HttpRequest, body: bytes, secret: str | None) -> Refusal | None:
        """`secret`: of the access key that the request names; None where that key does not exist."""
        found = signature.parse(request)
        if found is None:
            return self.refuse_unsigned(request)
        if secret is None:
            return Refusal(
                "UnrecognizedClientException",
                f"The security token included in the request is invalid: the local AWS does not know the access key "
                f'{found.access_key[:32]!r}; `eval "$(local-aws env)"` exports the one that it knows',
            )
        if not signature.is_current(found):
            return Refusal(
                "RequestTimeTooSkewed",
                f"The request's date must be within 15 minutes of this machine's clock, got {found.date[:20]!r}",
            )
        if not signature.matches(found, secret, request, body):
            return Refusal(
                "InvalidSignatureException",
                "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
                'Access Key and signing method; `eval "$(local-aws env)"` exports the key of the local AWS',
            )
        return None

    def secret(self, access_key: str, others: SecretOf) -> str | None:
        """The secret of an access key. One of 12 digits is ministack's way to name an account: its Lambda functions
        have it, and share the secret. `others` knows those of sessions and users."""
        if access_key == self.key.id or (len(access_key) == 12 and access_key.isdecimal()):
            return self.key.secret
        return others(access_key)


def response(request: HttpRequest, refusal: Refusal) -> tuple[dict[str, str], bytes]:
    """Headers and body of the 403, in the words of the protocol that the request speaks."""
    id = str(uuid.uuid4())
    found = signature.parse(request)
    headers = {"x-amzn-requestid": id, "x-amzn-errortype": refusal.code}
    code, message = escape(refusal.code.removesuffix("Exception")), escape(refusal.message)
    if found is not None and found.service == "s3":
        body = f"<Error><Code>{code}</Code><Message>{message}</Message><RequestId>{id}</RequestId></Error>"
    elif request.headers.get("content-type", "").startswith(FORM):
        error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
        body = f"<ErrorResponse>{error}<RequestId>{id}</RequestId></ErrorResponse>"
    else:
        headers["content-type"] = "application/json"
        return headers, json.dumps({"__type": refusal.code, "message": refusal.message}).encode()
    headers["content-type"] = "text/xml"
    return headers, body.encode()


def _denied(header: str, must: str, value: str | None) -> Refusal:
    return Refusal("AccessDeniedException", f"the header {header} must be {must}, got {(value or 'none')[:80]!r}")
