"""A service that speaks S3 -> what it honours of what it is asked, tried with small files; some ignore it silently."""

import base64
import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from botocore.exceptions import ClientError

from pipeline.publish.store import Abilities

_CONTENT = b"A test of what this store honours; safe to delete.\n"
_NO_TAG = f'"{"0" * 32}"'
_OWN_FAULTS = ("AccessDenied", "NoSuchBucket", "InvalidAccessKeyId", "SignatureDoesNotMatch", "SlowDown", "403")

Outcome = Literal["done", "refused"]


def tried(client: Any, where: dict[str, str], tag: str | None = None) -> Abilities:
    """Find out what a service honours with about ten requests, three at a time, which leave nothing behind.

    Args:
        client: a boto3 client.
        where: bucket and key of a file that does not exist; nor do those whose keys begin so.
        tag: of that file, where it was made already.

    Raises:
        ClientError: the store cannot be written at all.
    """
    places = [{**where, "Key": where["Key"] + end} for end in ("-0", "", "-1")]
    if tag is None:  # by itself: some are slow at first, and slower at three
        tag = client.put_object(**where, Body=_CONTENT)["ETag"]
    looks = (_refuses, partial(_replaces, tag), _compares)
    with ThreadPoolExecutor(len(looks)) as pool:
        found = list(pool.map(lambda look, place: _cleaned(client, place, look), looks, places))
    return Abilities(if_none_match=found[0], if_match=found[1], checksum=found[2])


def _cleaned(client: Any, where: dict[str, str], look: Callable[[Any, dict[str, str]], bool]) -> bool:
    try:
        return look(client, where)
    finally:
        client.delete_object(**where)


def _refuses(client: Any, where: dict[str, str]) -> bool:
    is_made = _attempt(client, where, IfNoneMatch="*") == "done"
    return is_made and _attempt(client, where, IfNoneMatch="*") == "refused"


def _replaces(tag: str, client: Any, where: dict[str, str]) -> bool:
    return _attempt(client, where, IfMatch=_NO_TAG) == "refused" and _attempt(client, where, IfMatch=tag) == "done"


def _compares(client: Any, where: dict[str, str]) -> bool:
    if _attempt(client, where, ChecksumSHA256=_sha256(b"other")) != "refused":
        return False
    checksum = _sha256(_CONTENT)
    try:
        answer = client.put_object(**where, Body=_CONTENT, ChecksumSHA256=checksum)
    except ClientError:
        return False
    return bool(answer.get("ChecksumSHA256") == checksum)


@dataclass(frozen=True, slots=True, kw_only=True)
class Honoured:
    """One thing that publishing would like of a store. is_needed: whether something is wrong without it."""

    what: str
    is_so: bool
    detail: str
    is_needed: bool = False


def honours(client: Any, anonymous: Any, *, bucket: str, prefix: str, key: str) -> tuple[Honoured, ...]:
    """Try everything that publishing would like of a bucket.

    Args:
        client: a boto3 client with the publisher's rights.
        anonymous: one without any.
        bucket: its name.
        prefix: what stands before every key of the site.
        key: of a file that does not exist, among the publisher's own.

    Raises:
        ClientError: the store cannot be written at all.
    """
    where = {"Bucket": bucket, "Key": key}
    found = tried(client, where)
    client.put_object(**where, Body=_CONTENT)
    try:
        return (
            Honoured(
                what="refuses to overwrite (If-None-Match)",
                is_so=found.if_none_match,
                detail="" if found.if_none_match else "sound is looked for before it is sent",
            ),
            Honoured(
                what="replaces only what was seen (If-Match)",
                is_so=found.if_match,
                detail="" if found.if_match else "two people who publish at once are noticed only afterwards",
            ),
            Honoured(
                what="compares SHA-256",
                is_so=found.checksum,
                detail="" if found.checksum else "MD5 is sent as well, and every file is looked at once more",
            ),
            _copies(client, where),
            _is_private(anonymous, where),
            _is_public(client, anonymous, {"Bucket": bucket, "Key": f"{prefix}feed.xml"}),
            _has_cors(client, bucket),
        )
    finally:
        client.delete_object(**where)


def _copies(client: Any, where: dict[str, str]) -> Honoured:
    other = {**where, "Key": where["Key"] + "-copy"}
    try:
        client.copy_object(**other, CopySource=where, MetadataDirective="REPLACE", Metadata={"sha256": "x"})
        is_so = client.head_object(**other)["Metadata"].get("sha256") == "x"
    except ClientError:
        is_so = False
    client.delete_object(**other)
    detail = "" if is_so else "releases cannot be brought back, and members' sound is sent to each"
    return Honoured(what="copies within itself", is_so=is_so, detail=detail)


def _is_private(anonymous: Any, where: dict[str, str]) -> Honoured:
    try:
        anonymous.get_object(**where)["Body"].close()
    except ClientError:
        return Honoured(what="keeps the publisher's own files private", is_so=True, detail="", is_needed=True)
    detail = "anybody can read what was published before: cln-media publish --configure-bucket"
    return Honoured(what="keeps the publisher's own files private", is_so=False, detail=detail, is_needed=True)


def _is_public(client: Any, anonymous: Any, feed: dict[str, str]) -> Honoured:
    what = "lets everybody read the site"
    try:
        client.head_object(**feed)
    except ClientError:
        return Honoured(what=what, is_so=True, detail="not to be seen before anything is published")
    try:
        anonymous.head_object(**feed)
    except ClientError:
        detail = "right behind a CDN or web server that signs in; otherwise: cln-media publish --configure-bucket"
        return Honoured(what=what, is_so=False, detail=detail)
    return Honoured(what=what, is_so=True, detail="")


def _has_cors(client: Any, bucket: str) -> Honoured:
    what = "lets players of other sites read transcripts (CORS)"
    try:
        rules = client.get_bucket_cors(Bucket=bucket).get("CORSRules", ())
    except ClientError:
        return Honoured(what=what, is_so=False, detail="cln-media publish --configure-bucket sets it where it may")
    is_so = any("*" in rule["AllowedOrigins"] and "GET" in rule["AllowedMethods"] for rule in rules)
    return Honoured(what=what, is_so=is_so, detail="" if is_so else "its rules name some sites only")


def _attempt(client: Any, where: dict[str, str], **more: str) -> Outcome:
    try:
        client.put_object(**where, Body=_CONTENT, **more)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in _OWN_FAULTS:
            raise
        return "refused"
    return "done"


def _sha256(data: bytes) -> str:
    return base64.b64encode(hashlib.sha256(data).digest()).decode()
