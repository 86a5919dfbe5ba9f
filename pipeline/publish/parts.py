"""A very large file -> one object, sent in parts with a checksum over the whole; nothing half sent stays behind."""

import hashlib
import threading
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.model import Asset
from pipeline.publish import bodies
from pipeline.publish.store import Refused, Sent, changed_since_the_build

if TYPE_CHECKING:
    from pipeline.publish.s3 import S3Store

_ABORT_SECONDS = 0.8
_CANNOT_TELL = ("AccessDenied", "403", "NotImplemented", "501", "MethodNotAllowed", "405")


class Uploads:
    """The uploads in parts that are under way."""

    def __init__(self) -> None:
        self._running: dict[str, dict[str, str]] = {}
        self._lock = threading.Lock()

    def send(self, store: "S3Store", asset: Asset, path: Path, sent: Sent, condition: dict[str, str]) -> str:
        """Send a file in parts; what an earlier run left of it is aborted first.

        Returns:
            The new tag.

        Raises:
            StorageError: the file has changed since the build, or the store cannot be written.
        """
        client, where = store.client, store.where(asset.key)
        whole = {"ChecksumAlgorithm": "CRC32", "ChecksumType": "FULL_OBJECT"} if store.abilities.checksum else {}
        with store.mapped(asset.key) as boto:
            self._abort_earlier(client, where, boto)
            begun = client.create_multipart_upload(**where, **store.headers(asset), **whole)
            upload = {**where, "UploadId": begun["UploadId"]}
            with self._lock:
                self._running[begun["UploadId"]] = upload
            try:
                parts, crc32 = self._send_parts(store, asset, path, upload, sent)
                end = {"ChecksumCRC32": crc32, "ChecksumType": "FULL_OBJECT"} if whole else {}
                answer = self._completed(client, upload, parts, {**end, **condition}, boto)
            except BaseException:
                self._abort(client, begun["UploadId"])
                raise
            with self._lock:
                self._running.pop(begun["UploadId"], None)
        return store.confirmed(asset, answer, name="ChecksumCRC32", checksum=crc32)

    def abort(self, client: Any) -> None:
        """Abort all that is under way, within a second."""
        with self._lock:
            ids = list(self._running)
        threads = [threading.Thread(target=self._abort, args=(client, each), daemon=True) for each in ids]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(_ABORT_SECONDS)

    def _abort(self, client: Any, upload_id: str) -> None:
        with self._lock:
            upload = self._running.pop(upload_id, None)
        if upload is not None:
            with suppress(Exception):  # the fault that led here is the one to tell; the next run aborts what stays
                client.abort_multipart_upload(**upload)

    def _send_parts(
        self, store: "S3Store", asset: Asset, path: Path, upload: dict[str, str], sent: Sent
    ) -> tuple[list[dict[str, Any]], str]:
        digest, crc32, size = hashlib.sha256(), 0, 0
        parts: list[dict[str, Any]] = []
        for data in bodies.pieces(path):
            digest.update(data)
            crc32, size = zlib.crc32(data, crc32), size + len(data)
            if store.abilities.checksum:
                checks = {"ChecksumCRC32": _crc32(zlib.crc32(data))}
            else:
                checks = {"ContentMD5": bodies.md5(data)}
            parts.append(_sent_part(store, upload, len(parts) + 1, data, checks))
            sent(size)
        if digest.hexdigest() != asset.sha256:
            raise changed_since_the_build(path)
        return parts, _crc32(crc32)

    def _completed(
        self, client: Any, upload: dict[str, str], parts: list[dict[str, Any]], more: dict[str, str], boto: Any
    ) -> dict[str, Any]:
        try:
            return client.complete_multipart_upload(**upload, **more, MultipartUpload={"Parts": parts})  # type: ignore[no-any-return]
        except boto.ClientError as error:
            if boto.code(error) in ("PreconditionFailed", "412"):
                raise Refused from error
            raise

    def _abort_earlier(self, client: Any, where: dict[str, str], boto: Any) -> None:
        with suppress(boto.ClientError):  # without the right to see them they stay, until the bucket's own rule
            found = client.list_multipart_uploads(Bucket=where["Bucket"], Prefix=where["Key"])
            for upload in found.get("Uploads", ()):
                if upload["Key"] == where["Key"]:
                    client.abort_multipart_upload(**where, UploadId=upload["UploadId"])


def abort_doomed(store: "S3Store", doomed: Callable[[str], bool]) -> tuple[str, ...]:
    """Abort every upload in parts, whoever began it, whose key is doomed.

    Args:
        store: the bucket.
        doomed: says so of a key below the store's prefix.

    Returns:
        Their keys; without the right to see uploads, or where there are none, nothing.

    Raises:
        StorageError: one cannot be aborted, or the bucket cannot be reached.
    """
    aborted: list[str] = []
    with store.mapped("") as boto:
        for upload in _under_way(store, boto):
            key = upload["Key"].removeprefix(store.prefix)
            if doomed(key):
                store.client.abort_multipart_upload(**store.where(key), UploadId=upload["UploadId"])
                aborted.append(key)
    return tuple(sorted(set(aborted)))


def _under_way(store: "S3Store", boto: Any) -> list[dict[str, Any]]:
    pages = store.client.get_paginator("list_multipart_uploads").paginate(Bucket=store.bucket, Prefix=store.prefix)
    try:
        return [upload for page in pages for upload in page.get("Uploads", ())]
    except boto.ClientError as error:
        if boto.code(error) in _CANNOT_TELL:
            return []
        raise


def _sent_part(
    store: "S3Store", upload: dict[str, str], number: int, data: bytes, checks: dict[str, str]
) -> dict[str, Any]:
    with store.mapped(upload["Key"]) as boto:
        answer = boto.again_if_damaged(
            lambda: store.client.upload_part(**upload, PartNumber=number, Body=data, **checks)
        )
    checksum = {name: value for name, value in checks.items() if name == "ChecksumCRC32"}
    return {"PartNumber": number, "ETag": answer["ETag"], **checksum}


def _crc32(value: int) -> str:
    return bodies.as_base64(value.to_bytes(4, "big"))
