"""boto3's errors as one line each, with a hint where the cause is the caller's set-up."""

from __future__ import annotations

from botocore.exceptions import ClientError

_SSO = "run aws sso login, with --profile where the profile is not the default one"
_EXPIRED = "the session has expired: log in again, or take new values of AWS_ACCESS_KEY_ID and the others"
_UNKNOWN_KEY = (
    'AWS does not accept these credentials: check AWS_PROFILE and AWS_ACCESS_KEY_ID, or run eval "$(local-aws env)"'
    " again where the local AWS was started anew"
)
_SECRET = (
    "STCHAT_SECRET_ARN and STCHAT_APP_SECRET_ARN must name secrets of this cluster, which these credentials may read"
)
# The class of botocore's exception, or the code of AWS's response.
_HINTS = {
    "NoRegionError": "set AWS_REGION and AWS_DEFAULT_REGION, or give the profile a region",
    "InvalidRegionError": "a region is written like ap-northeast-1",
    "NoCredentialsError": 'log in (aws sso login), set AWS_PROFILE, or run eval "$(local-aws env)"',
    "PartialCredentialsError": "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or neither",
    "CredentialRetrievalError": "run the profile's credential_process by hand, it shows what is wrong",
    "ProfileNotFound": "aws configure list-profiles lists those that exist; unset AWS_PROFILE takes the default one",
    "ConfigParseError": "correct the file, or name another one in AWS_CONFIG_FILE",
    "SSOError": _SSO,
    "SSOTokenLoadError": _SSO,
    "UnauthorizedSSOTokenError": _SSO,
    "TokenRetrievalError": _SSO,
    "NoAuthTokenError": _SSO,
    "LoginError": "run aws login",
    "LoginTokenLoadError": "run aws login",
    "UnknownEndpointError": "check the region",
    "EndpointConnectionError": "check the region (of STCHAT_CLUSTER_ARN, unless another is set), the network and"
    " AWS_ENDPOINT_URL",
    "HttpEndpointNotEnabledException": "STCHAT_CLUSTER_ARN must name a cluster of this account whose Data API is on",
    "DBClusterNotFoundFault": "STCHAT_CLUSTER_ARN must name a cluster of this account",
    "SecretsErrorException": _SECRET,
    "InvalidSecretException": _SECRET,
    "ProxyConnectionError": "check HTTPS_PROXY and NO_PROXY",
    "SSLError": "check the proxy, and AWS_CA_BUNDLE",
    "ExpiredToken": _EXPIRED,
    "ExpiredTokenException": _EXPIRED,
    "RequestExpired": _EXPIRED,
    "InvalidClientTokenId": _UNKNOWN_KEY,
    "UnrecognizedClientException": _UNKNOWN_KEY,
    "InvalidSignatureException": _UNKNOWN_KEY,
    "SignatureDoesNotMatch": _UNKNOWN_KEY,
}


def error_name(error: Exception) -> str:
    """AWS's code of a response, or the name of botocore's exception."""
    return _response(error)[0] or type(error).__name__


def describe_error(error: Exception) -> str:
    """`<code>: <message>: <hint>` in one line; the code only where AWS gave one."""
    code, message = _response(error)
    text = f"{code}: {message}" if code else " ".join(str(error).split())
    hint = _HINTS.get(error_name(error))
    return f"{text.rstrip('.')}: {hint}" if hint else text


def _response(error: Exception) -> tuple[str, str]:
    if not isinstance(error, ClientError):
        return "", ""
    found = error.response.get("Error", {})
    return found.get("Code", "") or "UnknownError", found.get("Message", "")
