"""An address -> a boto3 client that is patient, compares what arrives, and gives up early where nobody ever answered.

boto3 takes a quarter of a second to import, so this module is imported by the first request that needs it.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    IncompleteReadError,
    ReadTimeoutError,
    ResponseStreamingError,
    SSLError,
)
from botocore.exceptions import ConnectionError as NoConnectionError
from botocore.parsers import ResponseParserError

from pipeline.publish.faults import storage_error
from pipeline.publish.trying import honours, tried

__all__ = [
    "FAULTS",
    "ClientError",
    "again_if_damaged",
    "anonymous",
    "client",
    "code",
    "honours",
    "storage_error",
    "tried",
]

FAULTS = (BotoCoreError, ClientError, ResponseParserError, OSError)
_CONFIG: dict[str, Any] = {
    "retries": {"mode": "standard", "max_attempts": 8},
    "request_checksum_calculation": "when_required",
    "response_checksum_validation": "when_required",
    "connect_timeout": 5,
    "read_timeout": 30,
    "signature_version": "s3v4",
    "max_pool_connections": 72,
}
_ATTEMPTS_BEFORE_ANY_ANSWER = 2
_ATTEMPTS_AFTER_DAMAGE = 4
_DAMAGED_ON_THE_WAY = ("BadDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch", "IncompleteBody")
_AT_THE_SAME_TIME = ("ConditionalRequestConflict", "409", "OperationAborted")

_UNREADABLE = (IncompleteReadError, ResponseParserError, ResponseStreamingError, ValueError, KeyError)

Result = TypeVar("Result")


def client(*, endpoint_url: str | None, region: str | None, address: str) -> Any:
    """Make a client for S3 or a service that speaks it; credentials come from boto3's chain alone.

    The body of a request is not signed but compared: its SHA-256 stands in a signed header.

    Raises:
        StorageError: the credentials or the profile of this machine cannot be read.
    """
    addressing = {"addressing_style": "path" if endpoint_url else "auto", "payload_signing_enabled": False}
    try:
        session = boto3.Session(region_name=region)
        made: Any = session.client("s3", endpoint_url=endpoint_url, config=Config(**_CONFIG, s3=addressing))
    except (BotoCoreError, OSError, ValueError) as error:  # ValueError: an address that botocore does not take
        raise storage_error(error, source=address, endpoint=endpoint_url or "AWS") from error
    made.meta.events.register_first("needs-retry.s3", _Patience())
    return made


def anonymous(signed_in: Any) -> Any:
    """Make a client for the same service that signs nothing: what it sees, everybody sees."""
    config = signed_in.meta.config.merge(Config(signature_version=UNSIGNED))
    endpoint = signed_in.meta.endpoint_url
    return boto3.Session().client("s3", endpoint_url=endpoint, region_name=signed_in.meta.region_name, config=config)


class _Patience:
    """Ends the retries early where no server has ever answered: then it is the address, not the weather."""

    def __init__(self) -> None:
        self._is_answered = False

    def __call__(self, *, response: object, caught_exception: Exception | None, attempts: int, **_: object) -> None:
        self._is_answered = self._is_answered or response is not None
        is_hopeless = (
            isinstance(caught_exception, (SSLError, ReadTimeoutError)) or attempts >= _ATTEMPTS_BEFORE_ANY_ANSWER
        )
        is_silence = isinstance(caught_exception, (NoConnectionError, ReadTimeoutError))
        if caught_exception is not None and is_silence and is_hopeless and not self._is_answered:
            raise caught_exception


def again_if_damaged(request: Callable[[], Result]) -> Result:
    """Repeat a request when it, or its answer, was damaged on its way, or when it met another one: boto3 does not.

    Raises:
        ClientError: the service refuses it.
        ResponseParserError: its answers cannot be read.
    """
    for _ in range(_ATTEMPTS_AFTER_DAMAGE - 1):
        try:
            return request()
        except ClientError as error:
            if code(error) not in (*_DAMAGED_ON_THE_WAY, *_AT_THE_SAME_TIME):
                raise
        except _UNREADABLE:
            continue
    try:
        return request()
    except _UNREADABLE as error:
        raise ResponseParserError(f"an answer that cannot be read ({type(error).__name__})") from error


def code(error: ClientError) -> str:
    """Name what a store refused a request for."""
    return str(error.response.get("Error", {}).get("Code", ""))
