"""An error of boto3, botocore or the network -> the StorageError that says what to do; no key or token is repeated."""

import re
import socket
from typing import Any

from botocore import exceptions as boto
from urllib3.exceptions import NameResolutionError

from pipeline.errors import StorageError

_SIGN_IN = (
    "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or sign in with `aws configure` or `aws sso login`, "
    "or give this machine an instance role"
)
_RIGHTS = (
    "ask the bucket's owner for s3:ListBucket on the bucket, and s3:GetObject, s3:PutObject and s3:DeleteObject "
    "on what is in it"
)
_ADDRESS = "check [storage] endpoint_url in cln_media.toml and this machine's network, proxy and VPN"
_BUCKET = "check [storage] url in cln_media.toml, or create the bucket"
_REGION = "set [storage] region in cln_media.toml to the region of the bucket"
_LATER = "wait a little and publish again: what has arrived is kept"
_CLOCK = "set this machine's clock, then publish again"
_WRONG_KEY = ("the store does not accept this access key", f"check it; {_SIGN_IN}")
_EXPIRED = ("the sign-in has expired", f"sign in again: {_SIGN_IN}")
_WRONG_REGION = ("the bucket is in another region", _REGION)
_NO_RIGHTS = ("these credentials have no right to do this", _RIGHTS)
_BUSY = ("the store is too busy", _LATER)
_DAMAGED = ("the file was damaged on its way", _LATER)

_ANSWERS = {
    "InvalidAccessKeyId": _WRONG_KEY,
    "SignatureDoesNotMatch": _WRONG_KEY,
    "InvalidClientTokenId": _WRONG_KEY,
    "InvalidToken": _EXPIRED,
    "ExpiredToken": _EXPIRED,
    "TokenRefreshRequired": _EXPIRED,
    "AccessDenied": _NO_RIGHTS,
    "AllAccessDisabled": _NO_RIGHTS,
    "403": _NO_RIGHTS,
    "NoSuchBucket": ("there is no such bucket", _BUCKET),
    "RequestTimeTooSkewed": ("this machine's clock is wrong", _CLOCK),
    "RequestExpired": ("this machine's clock is wrong", _CLOCK),
    "AuthorizationHeaderMalformed": _WRONG_REGION,
    "PermanentRedirect": _WRONG_REGION,
    "301": _WRONG_REGION,
    "SlowDown": _BUSY,
    "ServiceUnavailable": _BUSY,
    "503": _BUSY,
    "InternalError": ("the store has a fault of its own", _LATER),
    "500": ("the store has a fault of its own", _LATER),
    "BadDigest": _DAMAGED,
    "XAmzContentSHA256Mismatch": _DAMAGED,
    "QuotaExceeded": ("the store is full", "ask the provider for more room"),
    "507": ("the store is full", "ask the provider for more room"),
}
_SIGN_IN_FAULTS = (
    boto.NoCredentialsError,
    boto.PartialCredentialsError,
    boto.CredentialRetrievalError,
    boto.NoAuthTokenError,
    boto.TokenRetrievalError,
    boto.SSOError,
    boto.LoginError,
)
_SETTINGS_FAULTS = (boto.ProfileNotFound, boto.ConfigParseError, boto.InvalidConfigError)
_SETTINGS = "check AWS_PROFILE and the files in the folder .aws of your home folder"
_SILENCES: tuple[tuple[tuple[type[Exception], ...], str, str], ...] = (  # the first that fits: children before parents
    (_SIGN_IN_FAULTS, "no usable credentials for this store were found on this machine", _SIGN_IN),
    (_SETTINGS_FAULTS, "this machine's AWS settings cannot be used", _SETTINGS),
    (
        (boto.SSLError,),
        "no secure connection to {endpoint}: no https there, or a certificate that is not accepted",
        _ADDRESS,
    ),
    ((boto.ProxyConnectionError,), "the proxy on the way to {endpoint} cannot be reached", _ADDRESS),
    ((boto.ConnectTimeoutError, boto.ReadTimeoutError), "{endpoint} does not answer in time", _ADDRESS),
    ((boto.ConnectionError, boto.HTTPClientError, OSError), "the connection to {endpoint} failed", _ADDRESS),
)


def storage_error(error: Exception, *, source: str, endpoint: str) -> StorageError:
    """Say what happened and what to do.

    Args:
        error: what boto3, botocore or the operating system raised.
        source: the address of the object or bucket.
        endpoint: the address of the server.
    """
    if isinstance(error, boto.ClientError):
        message, hint = _answer(error)
    else:
        message, hint = _silence(error, endpoint)
    return StorageError(message, source=source, hint=hint)


def _answer(error: Any) -> tuple[str, str]:
    code = str(error.response.get("Error", {}).get("Code", ""))
    status = str(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", ""))
    known = _ANSWERS.get(code) or _ANSWERS.get(status)
    if known:
        return known
    name = code if re.fullmatch(r"[A-Za-z0-9.]{1,40}", code) else "without a name"
    return f"the store refused {error.operation_name} (error {name}, status {status})", _RIGHTS


def _silence(error: Exception, endpoint: str) -> tuple[str, str]:
    if isinstance(error, boto.EndpointConnectionError) and _is_unknown_name(error):
        return f"there is no server called {endpoint}", _ADDRESS
    for kinds, message, hint in _SILENCES:
        if isinstance(error, kinds):
            return message.format(endpoint=endpoint), hint
    return f"the request to {endpoint} could not be made ({type(error).__name__})", _ADDRESS


def _is_unknown_name(error: Any) -> bool:
    cause = error.kwargs.get("error")
    return isinstance(cause, NameResolutionError) or isinstance(getattr(cause, "__cause__", None), socket.gaierror)
