"""An opened bucket -> what it is told once: who may read it, what rights publishing needs, what a CDN must forget."""

import secrets
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pipeline.errors import ConfigError
from pipeline.model import StorageSettings
from pipeline.publish import access, invalidation
from pipeline.publish.store import PROBE, Store

if TYPE_CHECKING:
    from pipeline.publish.s3 import S3Store
    from pipeline.publish.trying import Honoured


def configure(store: Store) -> tuple[access.Setting, ...]:
    """Let everybody read the site in a bucket, from any page, and nobody else's half-sent uploads pile up.

    Raises:
        ConfigError: the store is no bucket.
        StorageError: the bucket cannot be reached.
    """
    bucket = _bucket(store)
    return access.configure(bucket.client, bucket=bucket.bucket, prefix=bucket.prefix)


def least_rights(store: Store, settings: StorageSettings) -> dict[str, Any]:
    """Write the IAM policy with the least rights that publishing needs.

    Raises:
        ConfigError: the store is no bucket.
    """
    bucket = _bucket(store)
    return access.least_rights(bucket.bucket, bucket.prefix, kms_key=settings.kms_key, cloudfront=settings.cloudfront)


def honours(store: Store) -> "tuple[Honoured, ...]":
    """Try everything that publishing would like of a bucket; nothing for a folder, which is asked nothing.

    Raises:
        StorageError: the bucket cannot be written at all.
    """
    from pipeline.publish.s3 import S3Store  # noqa: PLC0415  a folder does not need it

    if not isinstance(store, S3Store):
        return ()
    key = f"{PROBE}-{secrets.token_hex(6)}"
    with store.mapped(key) as boto:
        place = {"bucket": store.bucket, "prefix": store.prefix, "key": store.prefix + key}
        found: tuple[Honoured, ...] = boto.honours(store.client, boto.anonymous(store.client), **place)
        return found


def invalidate(distribution: str, keys: Iterable[str], gone: Iterable[str], *, reference: str, site_url: str) -> None:
    """Tell Amazon CloudFront what changed; files whose names carry their hash never do.

    Args:
        distribution: its id.
        keys: what was sent.
        gone: what was removed.
        reference: what tells this change from others.
        site_url: where the site is, for what stands before the keys.

    Raises:
        StorageError: CloudFront cannot be told.
    """
    path = urlsplit(site_url).path or "/"
    paths = invalidation.paths(keys, gone=gone, site_path=path)
    if paths:
        invalidation.invalidate(distribution, paths, caller_reference=reference)


def _bucket(store: Store) -> "S3Store":
    from pipeline.publish.s3 import S3Store  # noqa: PLC0415  a folder does not need it

    if not isinstance(store, S3Store):
        hint = "set [storage] url to s3://BUCKET/PREFIX"
        raise ConfigError("a folder has nothing to configure", source="cln_media.toml", hint=hint)
    return store
