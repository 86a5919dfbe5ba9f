"""An asset -> its coding, and the headers it is served with, by boto3's names and by those of HTTP; pure."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from pipeline.model import Asset, Release

_NAMES = {
    "ContentType": "content-type",
    "CacheControl": "cache-control",
    "ContentDisposition": "content-disposition",
    "ContentEncoding": "content-encoding",
    "WebsiteRedirectLocation": "x-amz-website-redirect-location",
    "ServerSideEncryption": "x-amz-server-side-encryption",
    "SSEKMSKeyId": "x-amz-server-side-encryption-aws-kms-key-id",
    "IfNoneMatch": "if-none-match",
    "IfMatch": "if-match",
}

_READ_BY_BROWSERS = (".html", ".css", ".js", ".svg")
_READ_BY_APPS = (".xml", ".atom", ".opml", ".json", ".vtt", ".srt", ".txt")
_LEAST_BYTES = 1_000


def prepared(release: Release, *, gzip: bool, with_feeds: bool) -> Release:
    """Say which files a bucket holds compressed: what browsers read, and what apps read only where a CDN unpacks it.

    Some podcast apps cannot unpack what they did not ask for, and S3 does not ask.
    """
    if not gzip:
        return release
    return Release(
        assets=tuple(
            replace(asset, encoding="gzip") if _is_packable(asset.key, asset.size, with_feeds=with_feeds) else asset
            for asset in release.assets
        )
    )


def _is_packable(key: str, size: int, *, with_feeds: bool) -> bool:
    endings = (*_READ_BY_BROWSERS, *(_READ_BY_APPS if with_feeds else ()))
    return size >= _LEAST_BYTES and key.endswith(endings) and not key.startswith("media/")


def headers(asset: Asset, *, encryption: str | None, kms_key: str | None) -> dict[str, Any]:
    """List what an object is stored with, by boto3's names; our own SHA-256 goes with it.

    Args:
        asset: the file.
        encryption: how the service encrypts it, None for its own choice.
        kms_key: with which key.
    """
    given = {
        "ContentType": asset.content_type,
        "CacheControl": asset.cache_control,
        "ContentDisposition": asset.disposition,
        "ContentEncoding": asset.encoding,
        "WebsiteRedirectLocation": asset.redirect,
        "ServerSideEncryption": encryption,
        "SSEKMSKeyId": kms_key,
    }
    return {**{name: value for name, value in given.items() if value is not None}, "Metadata": {"sha256": asset.sha256}}


def names(given: Mapping[str, Any]) -> dict[str, str]:
    """Rename headers, conditions among them, from boto3's names to those of HTTP, in small letters."""
    own = {f"x-amz-meta-{name}": value for name, value in given["Metadata"].items()}
    return {**{_NAMES[name]: value for name, value in given.items() if name != "Metadata"}, **own}


def age_s(answer: Mapping[str, Any]) -> float:
    """Tell from boto3's answer how many seconds ago an object was written, by the service's own clock."""
    now = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    if not now:
        return 0.0
    written_at: datetime = answer["LastModified"]
    return max(0.0, (parsedate_to_datetime(now) - written_at).total_seconds())


def tag(etag: str) -> str:
    """Give the bare mark of an ETag: some answers quote it and some do not."""
    return etag.removeprefix("W/").strip('"')
