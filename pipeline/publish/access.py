"""A bucket and a prefix -> who may do what there: documents (pure), and the requests that put them in place.

Source: Amazon S3's policy language, CORS and lifecycle configuration; other services take the same documents or refuse.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pipeline.errors import StorageError

PUBLIC_ENDINGS = (
    *(".html", ".css", ".js", ".txt", ".vtt", ".srt", ".json", ".xml", ".atom", ".opml"),
    *(".svg", ".png", ".jpg", ".ico", ".mp3", ".m4a", ".opus"),
)
"""The endings of all that a site holds; nothing of the publisher's own has one of them."""

_SID = "ClnMediaPublicRead"
_ID = "cln-media"
_UNFINISHED_DAYS = 2
_CORS_SECONDS = 3600
_MISSING = ("NoSuchBucketPolicy", "NoSuchCORSConfiguration", "NoSuchLifecycleConfiguration")
_BY_HAND = "its owner can put the document in place by hand"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What was to be put in place in a bucket. document: the same for a person to put there."""

    what: str
    is_done: bool
    detail: str
    document: dict[str, Any]


def public_read_policy(bucket: str, prefix: str) -> dict[str, Any]:
    """Write the statement that lets everybody read a site, and nothing else of the bucket.

    It names what a site holds by its endings: that needs no exception for the publisher's own files, as services
    differ in how they read exceptions, and it holds for whatever folder a site will have.
    """
    below = f"arn:aws:s3:::{bucket}/{prefix}"
    return {
        "Sid": _named(_SID, prefix),
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": [f"{below}*{ending}" for ending in PUBLIC_ENDINGS],
    }


def cors_rule() -> dict[str, Any]:
    """Write the rule that lets players on other sites read sound, transcripts and chapters."""
    return {
        "ID": _ID,
        "AllowedOrigins": ["*"],
        "AllowedMethods": ["GET", "HEAD"],
        "AllowedHeaders": ["Range"],
        "ExposeHeaders": ["Accept-Ranges", "Content-Length", "Content-Range", "ETag"],
        "MaxAgeSeconds": _CORS_SECONDS,
    }


def lifecycle_rule(prefix: str) -> dict[str, Any]:
    """Write the rule that clears uploads which were never finished."""
    return {
        "ID": f"{_ID} {prefix}".strip(),
        "Status": "Enabled",
        "Filter": {"Prefix": prefix},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": _UNFINISHED_DAYS},
    }


def least_rights(
    bucket: str, prefix: str, *, kms_key: str | None = None, cloudfront: str | None = None, configuring: bool = False
) -> dict[str, Any]:
    """Write the IAM policy with the least rights that publishing needs.

    Args:
        bucket: where to.
        prefix: what stands before every key; empty, or ending in a slash.
        kms_key: the ARN of the key that encrypts the bucket.
        cloudfront: the id of the distribution that serves it.
        configuring: whether `publish --configure-bucket` is to work too.
    """
    whole = f"arn:aws:s3:::{bucket}"
    condition = {"Condition": {"StringLike": {"s3:prefix": [f"{prefix}*"]}}} if prefix else {}
    statements = [
        _allowing("ListTheSite", ["s3:ListBucket"], whole) | condition,
        _allowing("SeeUnfinishedUploads", ["s3:ListBucketMultipartUploads"], whole),
        _allowing(
            "ReadAndWriteTheSite",
            ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"],
            f"{whole}/{prefix}*",
        ),
    ]
    if configuring:
        kinds = ("BucketPolicy", "BucketCORS", "LifecycleConfiguration")
        actions = [f"s3:{verb}{kind}" for kind in kinds for verb in ("Get", "Put")]
        statements.append(_allowing("ConfigureTheBucket", actions, whole))
    if kms_key:
        statements.append(_allowing("UseTheKey", ["kms:GenerateDataKey", "kms:Decrypt"], kms_key))
    if cloudfront:
        distribution = f"arn:aws:cloudfront::*:distribution/{cloudfront}"
        statements.append(_allowing("TellTheDistribution", ["cloudfront:CreateInvalidation"], distribution))
    return {"Version": "2012-10-17", "Statement": statements}


def configure(client: Any, *, bucket: str, prefix: str) -> tuple[Setting, ...]:
    """Put the policy, the CORS rule and the lifecycle rule in place, beside whatever stands there already.

    Args:
        client: a boto3 client.
        bucket: its name.
        prefix: what stands before every key of the site.

    Returns:
        One for each; what a service refuses is said there.

    Raises:
        StorageError: the service cannot be reached.
    """
    return (
        _set_policy(client, bucket, prefix),
        _set_cors(client, bucket),
        _set_lifecycle(client, bucket, prefix),
    )


def _set_policy(client: Any, bucket: str, prefix: str) -> Setting:
    own = public_read_policy(bucket, prefix)

    def read() -> list[Any]:
        return list(json.loads(client.get_bucket_policy(Bucket=bucket)["Policy"])["Statement"])

    def write(statements: list[Any]) -> None:
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        client.put_bucket_policy(Bucket=bucket, Policy=document)

    return _merged("everybody may read the site", own, bucket, name="Sid", read=read, write=write)


def _set_cors(client: Any, bucket: str) -> Setting:
    def read() -> list[Any]:
        return list(client.get_bucket_cors(Bucket=bucket).get("CORSRules", ()))

    def write(rules: list[Any]) -> None:
        client.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": rules})

    what = "players of other sites may read transcripts (CORS)"
    return _merged(what, cors_rule(), bucket, name="ID", read=read, write=write)


def _set_lifecycle(client: Any, bucket: str, prefix: str) -> Setting:
    def read() -> list[Any]:
        return list(client.get_bucket_lifecycle_configuration(Bucket=bucket).get("Rules", ()))

    def write(rules: list[Any]) -> None:
        client.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules})

    what = "unfinished uploads are cleared away"
    return _merged(what, lifecycle_rule(prefix), bucket, name="ID", read=read, write=write)


def _merged(
    what: str,
    own: dict[str, Any],
    bucket: str,
    *,
    name: str,
    read: Callable[[], list[Any]],
    write: Callable[[list[Any]], None],
) -> Setting:
    """Put one rule among those that stand there, which are somebody else's and stay."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415  slow to import

    from pipeline.publish.faults import storage_error  # noqa: PLC0415  it imports botocore

    try:
        try:
            there = read()
        except ClientError as error:
            if _code(error) not in _MISSING:
                raise
            there = []
        others = [rule for rule in there if rule.get(name) != own[name]]
        if len(others) < len(there) and own in there:
            return Setting(what=what, is_done=True, detail="as it was", document=own)
        write([*others, own])
    except ClientError as error:
        return Setting(what=what, is_done=False, detail=_refusal(_code(error)), document=own)
    except (BotoCoreError, OSError) as error:
        fault: StorageError = storage_error(error, source=f"s3://{bucket}", endpoint="the service")
        raise fault from error
    return Setting(what=what, is_done=True, detail="put in place", document=own)


def _refusal(code: str) -> str:
    if code in ("AccessDenied", "403", "AllAccessDisabled"):
        return f"these credentials have no right to, or the account blocks public access; {_BY_HAND}"
    if code in ("NotImplemented", "501", "MethodNotAllowed", "405"):
        return "this service does not take it; see the provider's own console"
    return f"the service refused it ({code[:40]}); {_BY_HAND}"


def _allowing(sid: str, actions: list[str], resource: str) -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resource}


def _named(name: str, prefix: str) -> str:
    """Tell the rules of several sites in one bucket apart; a Sid takes letters and digits only."""
    return name + "".join(part.capitalize() for part in "".join(c if c.isalnum() else " " for c in prefix).split())


def _code(error: Any) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
