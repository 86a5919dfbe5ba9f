"""A service that speaks S3 -> what it honours of what it is asked, tried with small files; some ignore it silently."""

import base64
import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from botocore.exceptions import ClientError

from pipeline.publish.store import Abilities

_CONTENT = b"A test of what this store honours; safe to delete.\n"
_NO_TAG = f'"{"0" * 32}"'
_ATTEMPTS = 4
_AT_THE_SAME_TIME = ("ConditionalRequestConflict", "OperationAborted", "409")
_OWN_FAULTS = ("AccessDenied", "NoSuchBucket", "InvalidAccessKeyId", "SignatureDoesNotMatch", "SlowDown", "403")

Outcome = Literal["done", "refused"]


def tried(client: Any, where: dict[str, str], tag: str | None = None) -> Abilities:
    """Find out what a service honours with about six requests, four of them at a time, which leave nothing behind.

    Args:
        client: a boto3 client.
        where: bucket and key of a file that does not exist, or that `tag` is of; nor do those whose keys begin so.
        tag: of that file, where it was just made with If-None-Match and its SHA-256, and the service confirmed both.

    Raises:
        ClientError: the store cannot be written at all.
    """
    own = where if tag else {**where, "Key": where["Key"] + "-again"}
    try:
        made = _Made(tag=tag, is_new_only=True, is_compared=True) if tag else _made(client, own)
        asks: tuple[tuple[Outcome, dict[str, str]], ...] = (
            ("refused", {"IfNoneMatch": "*"}),
            ("refused", {"IfMatch": _NO_TAG}),
            ("done", {"IfMatch": made.tag}),
            ("refused", {"ChecksumSHA256": _sha256(b"other")}),
        )
        with ThreadPoolExecutor(len(asks)) as pool:
            found = list(pool.map(lambda ask: _attempt(client, own, **ask[1]) == ask[0], asks))
    finally:
        client.delete_object(**own)
        if own != where:
            client.delete_object(**where)
    is_compared = made.is_compared and found[3]
    return Abilities(if_none_match=made.is_new_only and found[0], if_match=found[1] and found[2], checksum=is_compared)


class _Made(NamedTuple):
    """A file that was made: its tag, whether only where there was none, and whether its SHA-256 was compared."""

    tag: str
    is_new_only: bool
    is_compared: bool


def _made(client: Any, where: dict[str, str]) -> _Made:
    checksum = _sha256(_CONTENT)
    for more in ({"IfNoneMatch": "*", "ChecksumSHA256": checksum}, {"IfNoneMatch": "*"}, {"ChecksumSHA256": checksum}):
        try:
            answer = client.put_object(**where, Body=_CONTENT, **more)
        except ClientError as error:
            _raise_if_own(error)
        else:
            is_compared = answer.get("ChecksumSHA256") == checksum
            return _Made(answer["ETag"], is_new_only="IfNoneMatch" in more, is_compared=is_compared)
    answer = client.put_object(**where, Body=_CONTENT)
    return _Made(answer["ETag"], is_new_only=False, is_compared=False)


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
    for _ in range(_ATTEMPTS):
        try:
            client.put_object(**where, Body=_CONTENT, **more)
        except ClientError as error:
            _raise_if_own(error)
            if error.response.get("Error", {}).get("Code") not in _AT_THE_SAME_TIME:
                return "refused"
        else:
            return "done"
    return "refused"


def _raise_if_own(error: ClientError) -> None:
    if error.response.get("Error", {}).get("Code") in _OWN_FAULTS:
        raise error


def _sha256(data: bytes) -> str:
    return base64.b64encode(hashlib.sha256(data).digest()).decode()
