"""Files of a release -> objects in an S3 bucket, by boto3; every object carries its SHA-256 and its headers."""

import base64
import hashlib
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import boto3
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

from pipeline.model import Asset
from pipeline.publish.faults import storage_error
from pipeline.publish.store import Sent, Stored, changed_since_the_build, unreadable

SINGLE_PUT_BYTES = 100_000_000
PART_BYTES = 16_000_000
_CONFIG: dict[str, Any] = {
    "retries": {"mode": "standard", "max_attempts": 8},
    "request_checksum_calculation": "when_required",
    "response_checksum_validation": "when_required",
    "connect_timeout": 5,
    "read_timeout": 30,
    "signature_version": "s3v4",
    "max_pool_connections": 40,
}
_ATTEMPTS_BEFORE_ANY_ANSWER = 2
_ATTEMPTS_AFTER_DAMAGE = 3
_DAMAGED_ON_THE_WAY = ("BadDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch", "IncompleteBody")
_MISSING = ("NoSuchKey", "404", "NotFound")
_CANNOT_COPY = (*_MISSING, "PreconditionFailed", "NotImplemented", "EntityTooLarge", "InvalidRequest", "412", "501")

Result = TypeVar("Result")


class S3Store:
    """A store that is a bucket, or the part of it below a prefix. Credentials come from boto3's chain alone.

    Args:
        bucket: its name.
        prefix: what stands before every key; empty, or ending in a slash.
        endpoint_url: the provider's address; None for AWS, or for what the environment names.
        region: where the bucket is; None for what the environment names.
    """

    def __init__(
        self, *, bucket: str, prefix: str = "", endpoint_url: str | None = None, region: str | None = None
    ) -> None:
        self._bucket = bucket
        self._prefix = prefix
        config = Config(**_CONFIG, s3={"addressing_style": "path" if endpoint_url else "auto"})
        try:
            session = boto3.Session(region_name=region)
            self._client: Any = session.client("s3", endpoint_url=endpoint_url, config=config)
        except (BotoCoreError, OSError, ValueError) as error:  # ValueError: an address that botocore does not take
            raise storage_error(error, source=self.address, endpoint=endpoint_url or "AWS") from error
        self._client.meta.events.register_first("needs-retry.s3", _Patience())
        self._client.meta.events.register_last("request-created.s3", _now_sending)

    @property
    def address(self) -> str:
        """The bucket and prefix."""
        return f"s3://{self._bucket}/{self._prefix}".rstrip("/")

    def read(self, key: str) -> bytes | None:
        """Return the content of `key`, or None where there is no such object."""

        def get() -> bytes:
            return bytes(self._client.get_object(**self._where(key))["Body"].read())

        with self._mapped(key):
            try:
                return _again_if_damaged(get)
            except ClientError as error:
                if _code(error) in _MISSING:
                    return None
                raise

    def head(self, key: str) -> Stored | None:
        """Return size, SHA-256 and headers of `key`, or None where there is no such object."""
        with self._mapped(key):
            try:
                answer = self._client.head_object(**self._where(key))
            except ClientError as error:
                if _code(error) in _MISSING:
                    return None
                raise
        return Stored(
            size=answer["ContentLength"],
            sha256=answer["Metadata"].get("sha256", ""),
            content_type=answer.get("ContentType", ""),
            cache_control=answer.get("CacheControl", ""),
        )

    def put(self, asset: Asset, path: Path, sent: Sent) -> None:
        """Send the file at `path`: in one request, or in parts where it is very large."""
        if asset.size > SINGLE_PUT_BYTES:
            self._put_in_parts(asset, path, sent)
            return
        try:
            data = path.read_bytes()
        except OSError as error:
            raise unreadable(path, error) from error
        if hashlib.sha256(data).hexdigest() != asset.sha256:
            raise changed_since_the_build(path)
        self._put(asset, data, sent)

    def put_bytes(self, asset: Asset, data: bytes) -> None:
        """Send `data`."""
        self._put(asset, data, lambda _: None)

    def copy(self, asset: Asset, source: str) -> bool:
        """Let the server copy an object that carries the SHA-256 of `asset`, with the headers of `asset`.

        The copy is bound to the ETag of that look, so that no other content can be given the SHA-256.
        """
        with self._mapped(asset.key):
            try:
                found = self._client.head_object(**self._where(source))
                if (found["ContentLength"], found["Metadata"].get("sha256")) != (asset.size, asset.sha256):
                    return False
                self._client.copy_object(
                    **self._where(asset.key),
                    **_headers(asset),
                    CopySource={"Bucket": self._bucket, "Key": self._prefix + source},
                    CopySourceIfMatch=found["ETag"],
                    MetadataDirective="REPLACE",
                )
            except ClientError as error:
                if _code(error) in _CANNOT_COPY:
                    return False
                raise
        return True

    def set_headers(self, asset: Asset) -> None:
        """Copy the object onto itself with all headers of `asset`: S3 has no other way to change them."""
        source = {"Bucket": self._bucket, "Key": self._prefix + asset.key}
        with self._mapped(asset.key):
            self._client.copy_object(
                **self._where(asset.key), **_headers(asset), CopySource=source, MetadataDirective="REPLACE"
            )

    def delete(self, key: str) -> None:
        """Remove `key`; S3 does not say whether it was there."""
        with self._mapped(key):
            self._client.delete_object(**self._where(key))

    def _put(self, asset: Asset, data: bytes, sent: Sent) -> None:
        checksum = _base64(hashlib.sha256(data).digest())

        def put() -> None:
            body = _Body(data, sent)
            self._client.put_object(
                **self._where(asset.key), **_headers(asset), Body=body, ChecksumSHA256=checksum, ContentLength=len(data)
            )

        with self._mapped(asset.key):
            _again_if_damaged(put)

    def _put_in_parts(self, asset: Asset, path: Path, sent: Sent) -> None:
        where = self._where(asset.key)
        with self._mapped(asset.key):
            begun = self._client.create_multipart_upload(**where, **_headers(asset), ChecksumAlgorithm="SHA256")
            upload = {**where, "UploadId": begun["UploadId"]}
            try:
                parts = self._send_parts(asset, path, upload, sent)
                self._client.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
            except BaseException:
                self._client.abort_multipart_upload(**upload)
                raise

    def _send_parts(self, asset: Asset, path: Path, upload: dict[str, str], sent: Sent) -> list[dict[str, object]]:
        digest, sent_bytes = hashlib.sha256(), 0
        parts: list[dict[str, object]] = []
        for data in _chunks(path):
            digest.update(data)
            parts.append(self._send_part(len(parts) + 1, data, upload))
            sent_bytes += len(data)
            sent(sent_bytes)
        if digest.hexdigest() != asset.sha256:
            raise changed_since_the_build(path)
        return parts

    def _send_part(self, number: int, data: bytes, upload: dict[str, str]) -> dict[str, object]:
        checksum = _base64(hashlib.sha256(data).digest())
        answer = _again_if_damaged(
            lambda: self._client.upload_part(**upload, PartNumber=number, Body=data, ChecksumSHA256=checksum)
        )
        return {"PartNumber": number, "ETag": answer["ETag"], "ChecksumSHA256": checksum}

    def _where(self, key: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": self._prefix + key}

    @contextmanager
    def _mapped(self, key: str) -> Iterator[None]:
        try:
            yield
        except (BotoCoreError, ClientError, OSError) as error:
            endpoint = str(self._client.meta.endpoint_url)
            raise storage_error(error, source=f"{self.address}/{key}", endpoint=endpoint) from error


class _Body(io.BytesIO):
    """Bytes that tell how far they have been sent, but not when they are read to be signed."""

    def __init__(self, data: bytes, sent: Sent) -> None:
        super().__init__(data)
        self._sent = sent
        self.is_sending = False

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        if self.is_sending:
            self._sent(self.tell())
        return data

    def seek(self, offset: int, whence: int = 0, /) -> int:
        self.is_sending = False
        return super().seek(offset, whence)


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


def _now_sending(request: Any, **_: object) -> None:
    if isinstance(request.data, _Body):
        request.data.is_sending = True


def _again_if_damaged(request: Callable[[], Result]) -> Result:
    for _ in range(_ATTEMPTS_AFTER_DAMAGE - 1):
        try:
            return request()
        except ClientError as error:
            if _code(error) not in _DAMAGED_ON_THE_WAY:
                raise
        except (IncompleteReadError, ResponseStreamingError):
            continue
    return request()


def _headers(asset: Asset) -> dict[str, object]:
    redirect = {"WebsiteRedirectLocation": asset.redirect} if asset.redirect else {}
    return {
        "ContentType": asset.content_type,
        "CacheControl": asset.cache_control,
        "Metadata": {"sha256": asset.sha256},
        **redirect,
    }


def _chunks(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while data := file.read(PART_BYTES):
                yield data
    except OSError as error:
        raise unreadable(path, error) from error


def _base64(digest: bytes) -> str:
    return base64.b64encode(digest).decode()


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
