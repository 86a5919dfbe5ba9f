"""A bucket -> the versions it has kept of its objects, and their removal for good; asks through the store's client."""

import re
from typing import TYPE_CHECKING, Any

from pipeline.errors import StorageError
from pipeline.publish.store import Version

if TYPE_CHECKING:
    from pipeline.publish.s3 import S3Store

_NO_RIGHTS = ("AccessDenied", "403", "Forbidden", "AllAccessDisabled")
_UNKNOWN = ("NotImplemented", "501", "MethodNotAllowed", "405")
_GONE = ("NoSuchKey", "NoSuchVersion", "404", "NotFound")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_LOCKS = ("ObjectLockRetainUntilDate", "ObjectLockLegalHoldStatus")


def listed(store: "S3Store", prefix: str) -> tuple[Version, ...] | None:
    """List every version of every object below a prefix, a thousand with each request.

    Args:
        store: the bucket.
        prefix: what the keys begin with, below the store's own prefix.

    Returns:
        Versions and marks of removals; None where the service knows no versions.

    Raises:
        StorageError: the credentials have no right to list them, or the bucket cannot be reached.
    """
    with store.mapped(prefix) as boto:
        try:
            return boto.again_if_damaged(lambda: _pages(store, prefix))  # type: ignore[no-any-return]
        except boto.ClientError as error:
            if boto.code(error) in _UNKNOWN:
                return None
            if boto.code(error) in _NO_RIGHTS:
                raise _no_right(store.address, "listed", "s3:ListBucketVersions on the bucket") from error
            raise


def is_own(store: "S3Store", version: Version) -> bool:
    """Say whether a version carries the SHA-256 that every object of this program does.

    Raises:
        StorageError: the credentials have no right to look at it.
    """
    if version.is_mark:
        return False
    with store.mapped(version.key, missing=True) as boto:
        try:
            found = boto.again_if_damaged(lambda: _head(store, version))
        except boto.ClientError as error:
            if boto.code(error) in _NO_RIGHTS:
                raise _no_right(
                    f"{store.address}/{version.key}", "looked at", "s3:GetObjectVersion on what is in the bucket"
                ) from error
            raise
        return bool(_SHA256.fullmatch(found["Metadata"].get("sha256", "")))
    return False


def delete(store: "S3Store", version: Version) -> None:
    """Remove one version for good.

    Raises:
        StorageError: a lock keeps it, or the credentials have no right to remove versions.
    """
    with store.mapped(version.key) as boto:
        try:
            boto.again_if_damaged(lambda: store.client.delete_object(**store.where(version.key), VersionId=version.id))
        except boto.ClientError as error:
            if boto.code(error) in _GONE:
                return
            if boto.code(error) in _NO_RIGHTS:
                raise _kept(store, version, boto) from error
            raise


def _pages(store: "S3Store", prefix: str) -> tuple[Version, ...]:
    pages = store.client.get_paginator("list_object_versions").paginate(
        Bucket=store.bucket, Prefix=store.prefix + prefix
    )
    return tuple(
        Version(
            key=found["Key"].removeprefix(store.prefix),
            id=found["VersionId"],
            is_current=found["IsLatest"],
            is_mark=name == "DeleteMarkers",
        )
        for page in pages
        for name in ("Versions", "DeleteMarkers")
        for found in page.get(name, ())
    )


def _head(store: "S3Store", version: Version) -> dict[str, Any]:
    return store.client.head_object(**store.where(version.key), VersionId=version.id)  # type: ignore[no-any-return]


def _kept(store: "S3Store", version: Version, boto: Any) -> StorageError:
    source = f"{store.address}/{version.key}"
    try:
        found = {} if version.is_mark else _head(store, version)
    except boto.FAULTS:
        found = {}
    until, hold = (found.get(name) for name in _LOCKS)
    if until or hold == "ON":
        lock = "a legal hold" if hold == "ON" else f"an object lock until {until:%Y-%m-%d}"
        hint = (
            "ask the bucket's owner to lift it, or wait until it ends; then withdraw again: the rest is finished then"
        )
        return StorageError(f"{lock} keeps an earlier version from being removed", source=source, hint=hint)
    return _no_right(source, "removed", "s3:DeleteObjectVersion on what is in the bucket, and whether a lock is on it")


def _no_right(source: str, done: str, rights: str) -> StorageError:
    hint = f"ask the bucket's owner for {rights}; then withdraw again: until then the bucket may still hold it"
    return StorageError(f"the earlier versions in the bucket may not be {done}", source=source, hint=hint)
