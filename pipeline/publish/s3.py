"""Files of a release -> objects in an S3 bucket; every object carries its SHA-256 and its headers.

boto3 is only imported where something must be sent: looking at a ledger is one request of the standard library.
"""

import hashlib
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from pipeline.errors import StorageError
from pipeline.model import Asset, StorageSettings
from pipeline.publish import bodies, parts, quick, signed, versions, wire
from pipeline.publish.store import (
    PROBE,
    Abilities,
    Listed,
    Refused,
    Sent,
    Store,
    Stored,
    Tagged,
    Taken,
    Version,
    changed_since_the_build,
    other_content,
)

_IN_ONE_PIECE_BYTES = 1_000_000
_CHUNK_BYTES = 1 << 20
_MISSING = ("NoSuchKey", "404", "NotFound")
_FAILED = ("PreconditionFailed", "412")
_CANNOT = ("NotImplemented", "501", "InvalidRequest", "InvalidArgument", "MethodNotAllowed", "405", "400", "BadRequest")
_CANNOT_COPY = (*_MISSING, *_FAILED, *_CANNOT, "EntityTooLarge")
_SETTLE_S = 1.0  # how long a store without conditions is given to show who wrote last


class S3Store:
    """A store that is a bucket, or the part of it below a prefix. Credentials come from boto3's chain alone.

    Args:
        bucket: its name.
        prefix: what stands before every key; empty, or ending in a slash.
        settings: the provider's address (None for AWS, or for what the environment names), the region (None for what
            the environment names), and how the bucket encrypts.
    """

    def __init__(self, *, bucket: str, prefix: str = "", settings: StorageSettings | None = None) -> None:
        self.bucket, self.prefix = bucket, prefix
        self._settings = settings or StorageSettings()
        self._abilities, self._is_known = Abilities(), False
        self._connecting = threading.Lock()
        self._uploads = parts.Uploads()

    @property
    def address(self) -> str:
        """The bucket and prefix."""
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")

    @property
    def endpoint(self) -> str:
        """The service's address; "AWS" for Amazon's."""
        return self._settings.endpoint_url or "AWS"

    @property
    def abilities(self) -> Abilities:
        """What the service is taken to honour."""
        return self._abilities

    def learn(self, known: Abilities | None) -> Abilities:
        """Take what is known of the service, or try it with a small file."""
        if not self._is_known:
            self._abilities, self._is_known = known or self._tried(), True
        return self._abilities

    def read(self, key: str) -> Tagged | None:
        """Return the content of `key`, or None where there is no such object."""
        if "client" not in self.__dict__:
            answer = signed.get(
                bucket=self.bucket,
                key=self.prefix + key,
                endpoint_url=self._settings.endpoint_url,
                region=self._settings.region,
            )
            if answer is not None:
                found = Tagged(data=answer.data, tag=wire.tag(answer.tag), age_s=answer.age_s)
                return found if answer.is_there else None

        def get() -> Tagged:
            found = self.client.get_object(**self.where(key))
            with closing(found["Body"]) as body:
                return Tagged(data=body.read(), tag=wire.tag(found["ETag"]), age_s=wire.age_s(found))

        with self.mapped(key, missing=True) as boto:
            return boto.again_if_damaged(get)  # type: ignore[no-any-return]
        return None

    def head(self, key: str) -> Stored | None:
        """Return size, SHA-256 and headers of `key`, or None where there is no such object."""
        with self.mapped(key, missing=True) as boto:
            answer = boto.again_if_damaged(lambda: self.client.head_object(**self.where(key)))
            return Stored(
                size=answer["ContentLength"],
                sha256=answer["Metadata"].get("sha256", ""),
                content_type=answer.get("ContentType", ""),
                cache_control=answer.get("CacheControl", ""),
                encoding=answer.get("ContentEncoding") or None,
                tag=wire.tag(answer["ETag"]),
            )
        return None

    def digest(self, asset: Asset) -> str | None:
        """Download an object and return the SHA-256 of its content: what a service says of itself proves nothing."""

        def compared() -> str:
            found = self.client.get_object(**self.where(asset.key))
            with closing(found["Body"]) as body:
                return bodies.sha256_of_chunks(
                    body.iter_chunks(_CHUNK_BYTES), is_gzip="gzip" in found.get("ContentEncoding", "")
                )

        with self.mapped(asset.key, missing=True) as boto:
            return boto.again_if_damaged(compared)  # type: ignore[no-any-return]
        return None

    def put(self, asset: Asset, path: Path, sent: Sent) -> str:
        """Send the file at `path`: in one request, or in parts where it is very large.

        Its SHA-256 is the manifest's, and the service compares: so it is read only once.
        """
        if not path.is_file() or path.stat().st_size != asset.size:
            raise changed_since_the_build(path)
        if asset.size > bodies.SINGLE_PUT_BYTES:
            return self._kept_or(asset, lambda more: self._uploads.send(self, asset, path, sent, more))
        if not self._abilities.checksum:
            sha256, md5 = bodies.digests(path)
            if sha256 != asset.sha256:
                raise changed_since_the_build(path)
        more = {} if self._abilities.checksum else {"ContentMD5": md5}
        return self._kept_or(asset, lambda unless: self._put_file(asset, path, sent, {**more, **unless}))

    def put_bytes(self, asset: Asset, data: bytes) -> str:
        """Send `data`."""
        return self._put(asset, data)

    def exchange(self, asset: Asset, data: bytes, *, expected: str | None) -> str:
        """Send `data` where the object is the one that was seen: by condition, or by looking before and after."""
        known = self._abilities
        if not (known.if_match and known.if_none_match):  # half of it is worth nothing: some that lack one race
            return self._fenced(asset, data, expected)
        condition = {"IfNoneMatch": "*"} if expected is None else {"IfMatch": f'"{expected}"'}
        try:
            return self._put(asset, data, condition)
        except Refused as error:
            found = self.read(asset.key)
            if found is not None and found.data == data:  # we had won, and only the answer was lost
                return found.tag
            raise Taken from error

    def copy(self, asset: Asset, source: str, *, tag: str | None = None, origin: Store | None = None) -> str | None:
        """Let the service copy an object that carries the SHA-256 of `asset`, with the headers of `asset`.

        The copy is bound to the ETag that was seen, so that no other content can be given the SHA-256.
        """
        place = origin or self
        if not isinstance(place, S3Store) or place.endpoint != self.endpoint:
            return None
        with self.mapped(asset.key) as boto:
            try:
                tag = tag or self._tag_of(asset, place, source)
                if tag is None:
                    return None
                more = {
                    **self.headers(asset),
                    "CopySource": {"Bucket": place.bucket, "Key": place.prefix + source},
                    "CopySourceIfMatch": f'"{tag}"',
                }
                return boto.again_if_damaged(lambda: self._copied(asset.key, more))  # type: ignore[no-any-return]
            except boto.ClientError as error:
                if boto.code(error) in _CANNOT_COPY:
                    return None
                raise

    def set_headers(self, asset: Asset) -> str:
        """Copy the object onto itself with all headers of `asset`: S3 has no other way to change them."""
        source = {"Bucket": self.bucket, "Key": self.prefix + asset.key}
        more = {**self.headers(asset), "CopySource": source}
        with self.mapped(asset.key) as boto:
            return boto.again_if_damaged(lambda: self._copied(asset.key, more))  # type: ignore[no-any-return]

    def delete(self, key: str) -> None:
        """Remove `key`; S3 does not say whether it was there."""
        with self.mapped(key, missing=True) as boto:
            boto.again_if_damaged(lambda: self.client.delete_object(**self.where(key)))

    def listing(self, prefix: str = "") -> Iterator[Listed]:
        """List every object whose key begins with `prefix`, a thousand with each request."""
        with self.mapped(prefix):
            pages = self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket, Prefix=self.prefix + prefix
            )
            for page in pages:
                for found in page.get("Contents", ()):
                    key = found["Key"].removeprefix(self.prefix)
                    yield Listed(key=key, size=found["Size"], tag=wire.tag(found["ETag"]))

    def versions(self, prefix: str = "") -> tuple[Version, ...] | None:
        """List every version that the bucket has kept, and every mark of a removal; None where it cannot tell."""
        return versions.listed(self, prefix)

    def is_own(self, version: Version) -> bool:
        """Ask for the SHA-256 that every object of ours carries."""
        return versions.is_own(self, version)

    def delete_version(self, version: Version) -> None:
        """Remove one version for good."""
        versions.delete(self, version)

    def abort_uploads(self, doomed: Callable[[str], bool]) -> tuple[str, ...]:
        """Abort the uploads in parts, anybody's, of doomed keys."""
        return parts.abort_doomed(self, doomed)

    def settle(self) -> None:
        """Do nothing: what a service has confirmed, it has stored."""

    def stop(self) -> None:
        """Abort what is being sent in parts."""
        if "client" in self.__dict__:
            self._uploads.abort(self.client)

    @cached_property
    def _sender(self) -> quick.Sender:
        settings = self._settings
        return quick.Sender(bucket=self.bucket, endpoint_url=settings.endpoint_url, region=settings.region)

    @cached_property
    def client(self) -> Any:
        """The boto3 client, made by the first request that needs it."""
        from pipeline.publish import connecting  # noqa: PLC0415  boto3 is slow to import

        settings = self._settings
        with self._connecting:
            if "client" in self.__dict__:  # another thread was first
                return self.__dict__["client"]
            made = connecting.client(endpoint_url=settings.endpoint_url, region=settings.region, address=self.address)
            return self.__dict__.setdefault("client", made)

    def where(self, key: str) -> dict[str, str]:
        """Name the object of `key`."""
        return {"Bucket": self.bucket, "Key": self.prefix + key}

    def headers(self, asset: Asset) -> dict[str, Any]:
        """List what an object is stored and served with."""
        return wire.headers(asset, encryption=self._settings.encryption, kms_key=self._settings.kms_key)

    def confirmed(self, asset: Asset, answer: dict[str, Any], *, name: str, checksum: str) -> str:
        """Return the tag of what was sent, once the service has said, or shown, that it holds it.

        Raises:
            StorageError: it does not.
        """
        if answer.get(name) != checksum:
            stored = self.head(asset.key)
            if stored is None or not stored.holds(asset):
                hint = "publish again; if it stays, run cln-media doctor and ask the provider"
                raise StorageError(
                    "the store does not hold what was sent", source=f"{self.address}/{asset.key}", hint=hint
                )
            return stored.tag
        return wire.tag(answer["ETag"])

    @contextmanager
    def mapped(self, key: str, *, missing: bool = False) -> Iterator[Any]:
        """Turn what boto3 raises into a StorageError; `missing`: leave quietly where there is no such object."""
        from pipeline.publish import connecting  # noqa: PLC0415  boto3 is slow to import

        client = self.client
        try:
            yield connecting
        except connecting.FAULTS as error:
            if missing and isinstance(error, connecting.ClientError) and connecting.code(error) in _MISSING:
                return
            source = f"{self.address}/{key}"
            raise connecting.storage_error(error, source=source, endpoint=str(client.meta.endpoint_url)) from error

    def _put(self, asset: Asset, data: bytes, condition: dict[str, str] | None = None) -> str:
        tag = self._quickly(asset, data, condition or {})
        if tag is not None:
            return tag
        checksum = bodies.as_base64(hashlib.sha256(data).digest())
        more = {**(condition or {}), **({} if self._abilities.checksum else {"ContentMD5": bodies.md5(data)})}

        def put() -> dict[str, Any]:
            return self.client.put_object(  # type: ignore[no-any-return]
                **self.where(asset.key), **self.headers(asset), **more, Body=data, ChecksumSHA256=checksum
            )

        answer = self._unless_refused(asset, put)
        return self.confirmed(asset, answer, name="ChecksumSHA256", checksum=checksum)

    def _put_file(self, asset: Asset, path: Path, sent: Sent, more: dict[str, str]) -> str:
        if asset.size <= _IN_ONE_PIECE_BYTES:
            with bodies.FileBody(path, sent) as body:
                data = body.readall()
            if hashlib.sha256(data).hexdigest() != asset.sha256:
                raise changed_since_the_build(path)
            tag = self._quickly(asset, data, more)
            if tag is not None:
                return tag
        checksum = bodies.as_base64(bytes.fromhex(asset.sha256))

        def put() -> dict[str, Any]:
            with bodies.FileBody(path, sent) as body:
                content = body.readall() if asset.size <= _IN_ONE_PIECE_BYTES else body
                return self.client.put_object(  # type: ignore[no-any-return]
                    **self.where(asset.key),
                    **self.headers(asset),
                    **more,
                    Body=content,
                    ContentLength=asset.size,
                    ChecksumSHA256=checksum,
                )

        try:
            answer = self._unless_refused(asset, put)
        except StorageError as error:
            if bodies.sha256_of(path) != asset.sha256:  # it was not damaged on its way, but is another file
                raise changed_since_the_build(path) from error
            raise
        return self.confirmed(asset, answer, name="ChecksumSHA256", checksum=checksum)

    def _quickly(self, asset: Asset, data: bytes, condition: dict[str, str]) -> str | None:
        if len(data) > _IN_ONE_PIECE_BYTES or not (self._is_known and self._abilities.checksum):
            return None
        headers = wire.names({**self.headers(asset), **condition})
        tag = self._sender.put(self.prefix + asset.key, data, headers)
        return wire.tag(tag) if tag is not None else None

    def _copied(self, key: str, more: dict[str, Any]) -> str:
        answer = self.client.copy_object(**self.where(key), **more, MetadataDirective="REPLACE")
        return wire.tag(answer["CopyObjectResult"]["ETag"])

    def _unless_refused(self, asset: Asset, put: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        with self.mapped(asset.key) as boto:
            try:
                return boto.again_if_damaged(put)  # type: ignore[no-any-return]
            except boto.ClientError as error:
                if boto.code(error) in _FAILED:
                    raise Refused from error
                raise

    def _kept_or(self, asset: Asset, send: Callable[[dict[str, str]], str]) -> str:
        """Send what stands for ever only where nothing is; anything else in any case."""
        if not asset.key.startswith("media/"):
            return send({})
        if self._abilities.if_none_match:
            try:
                return send({"IfNoneMatch": "*"})
            except Refused:
                stored = self.head(asset.key)
        else:
            stored = self.head(asset.key)
            if stored is None:
                return send({})
        if stored is None or not stored.holds(asset):
            raise other_content(self.address, asset.key)
        return stored.tag

    def _fenced(self, asset: Asset, data: bytes, expected: str | None) -> str:
        found = self.read(asset.key)
        if (found.tag if found else None) != expected:
            raise Taken
        self._put(asset, data)
        time.sleep(_SETTLE_S)
        found = self.read(asset.key)
        if found is None or found.data != data:
            raise Taken
        return found.tag

    def _tag_of(self, asset: Asset, place: "S3Store", source: str) -> str | None:
        stored = place.head(source)
        return stored.tag if stored is not None and stored.holds(asset) else None

    def _tried(self) -> Abilities:
        key = f"{PROBE}-{secrets.token_hex(6)}"
        with ThreadPoolExecutor(1) as pool:  # some services take as long for the first file as boto3 to import
            first = pool.submit(self._sender.put, self.prefix + key, b"safe to delete", {"if-none-match": "*"})
            with self.mapped(key) as boto:
                return boto.tried(self.client, self.where(key), first.result())  # type: ignore[no-any-return]
