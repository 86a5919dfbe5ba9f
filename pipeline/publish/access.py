"""A bucket and a prefix -> who may do what there: documents (pure), and the requests that put them in place.

Source: Amazon S3's policy language, CORS and lifecycle configuration; other services take the same documents or refuse.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

PUBLIC_ENDINGS = (
    *(".html", ".css", ".js", ".txt", ".vtt", ".srt", ".json", ".xml", ".atom", ".opml"),
    *(".svg", ".png", ".jpg", ".ico", ".mp3", ".m4a", ".opus"),
    *(".webmanifest", ".pagefind", ".pf_meta", ".pf_index", ".pf_fragment"),
    *(".webmanifest", ".pagefind", ".pf_meta", ".pf_index", ".pf_fragment"),
)
"""The endings of all that a site holds; nothing of the publisher's own has one of them."""

_VERSION = "2012-10-17"
_SID = "ClnMediaPublicRead"
_ID = "cln-media"
_UNFINISHED_DAYS = 2
_CORS_SECONDS = 3600
_CONFIGURING = (  # AWS reads these names in any case, some services only as spelled here
    *("s3:GetBucketPolicy", "s3:PutBucketPolicy"),
    *("s3:GetBucketCors", "s3:PutBucketCors"),
    *("s3:GetLifecycleConfiguration", "s3:PutLifecycleConfiguration"),
)

_NONE_YET = ("NoSuchBucketPolicy", "NoSuchCORSConfiguration", "NoSuchLifecycleConfiguration")
_NO_RIGHTS = ("AccessDenied", "403", "AllAccessDisabled")
_UNKNOWN = ("NotImplemented", "501", "MethodNotAllowed", "405")
_NOT_UNDERSTOOD = ("MalformedXML", "MalformedPolicy", "InvalidPolicyDocument", "InvalidRequest", "InvalidArgument")
_BY_HAND = "put this document in place by hand"
_BLOCKED = (
    "Block Public Access is on for this bucket or its account; its owner has to allow public policies for the bucket, "
    f"then try again, or {_BY_HAND}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What was to be put in place in a bucket.

    document: what should stand there, whole, for a person to put in place; with whatever else stands there, as far as
    that could be read.
    """

    what: str
    is_done: bool
    detail: str
    document: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """One document of a bucket: what it should hold of ours, and how it is read and written.

    rules: what its list is called; name: the field that tells one rule from another; rights: what the two need.
    """

    what: str
    own: dict[str, Any]
    rules: str
    name: str
    rights: str
    read: Callable[[], dict[str, Any]]
    write: Callable[[dict[str, Any]], object]


def public_read_policy(bucket: str, prefix: str) -> dict[str, Any]:
    """Write the policy that lets everybody read a site, and nothing else of the bucket.

    It names what a site holds by its endings. Every exception that keeps the publisher's own files private fails
    somewhere: `NotResource` opens the rest of the bucket, and those files of each member; a plain Deny shuts the
    publisher out; a Deny for aws:PrincipalType Anonymous lets in whoever signs with any account at AWS, and everybody
    where a service does not know that key, as SeaweedFS; NotPrincipal is refused by some and needs an account's name.
    Folders would have to be listed anew with each kind of page, and a folder of a member has such files too. The
    wildcard crosses slashes, so the publisher's own files must never have one of these endings.

    Args:
        bucket: its name.
        prefix: what stands before every key of the site; empty, or ending in a slash.
    """
    below = f"arn:aws:s3:::{bucket}/{prefix}"
    statement = {
        "Sid": _sid(prefix),
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": [f"{below}*{ending}" for ending in PUBLIC_ENDINGS],
    }
    return {"Version": _VERSION, "Statement": [statement]}


def cors_rules() -> dict[str, Any]:
    """Write the rule that lets players on other sites read sound, transcripts and chapters."""
    rule = {
        "ID": _ID,
        "AllowedOrigins": ["*"],
        "AllowedMethods": ["GET", "HEAD"],
        "AllowedHeaders": ["Range"],
        "ExposeHeaders": ["Accept-Ranges", "Content-Length", "Content-Range", "ETag"],
        "MaxAgeSeconds": _CORS_SECONDS,
    }
    return {"CORSRules": [rule]}


def lifecycle_rules(prefix: str) -> dict[str, Any]:
    """Write the rule that clears uploads which were never finished.

    Args:
        prefix: what stands before every key of the site; empty, or ending in a slash.
    """
    rule = {
        "ID": f"{_ID} {prefix}".strip(),
        "Status": "Enabled",
        "Filter": {"Prefix": prefix},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": _UNFINISHED_DAYS},
    }
    return {"Rules": [rule]}


def least_rights(
    bucket: str, prefix: str, *, kms_key: str | None = None, cloudfront: str | None = None, configuring: bool = False
) -> dict[str, Any]:
    """Write the IAM policy with the least rights that publishing, and taking an episode out for good, needs.

    The right to list is also what makes S3 say of a file that is not there that it is not, instead of refusing. The two
    statements on versions serve withdrawal alone.

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
        _allowing("ListVersionsToWithdraw", ["s3:ListBucketVersions"], whole) | condition,
        _allowing("RemoveVersionsToWithdraw", ["s3:GetObjectVersion", "s3:DeleteObjectVersion"], f"{whole}/{prefix}*"),
    ]
    if configuring:
        statements.append(_allowing("ConfigureTheBucket", list(_CONFIGURING), whole))
    if kms_key:
        statements.append(_allowing("UseTheKey", ["kms:GenerateDataKey", "kms:Decrypt"], kms_key))
    if cloudfront:
        distribution = f"arn:aws:cloudfront::*:distribution/{cloudfront}"
        statements.append(_allowing("TellTheDistribution", ["cloudfront:CreateInvalidation"], distribution))
    return {"Version": _VERSION, "Statement": statements}


def configure(client: Any, *, bucket: str, prefix: str) -> tuple[Setting, ...]:
    """Put the policy, the CORS rule and the lifecycle rule in place, beside whatever stands there already.

    Args:
        client: a boto3 client.
        bucket: its name.
        prefix: what stands before every key of the site; empty, or ending in a slash.

    Returns:
        One for each; what a service refuses is said there. What cannot be read is never overwritten.

    Raises:
        StorageError: the service cannot be reached.
    """
    parts = (_policy(client, bucket, prefix), _cors(client, bucket), _lifecycle(client, bucket, prefix))
    return tuple(_put_in_place(part, client, bucket) for part in parts)


def _policy(client: Any, bucket: str, prefix: str) -> _Part:
    def read() -> dict[str, Any]:
        found = json.loads(client.get_bucket_policy(Bucket=bucket)["Policy"])
        if not isinstance(found, dict):
            raise ValueError  # noqa: TRY004  what json raises for what it cannot read either
        statements = found.get("Statement", [])
        return {**found, "Statement": [statements] if isinstance(statements, dict) else statements}

    return _Part(
        what="everybody may read the site",
        own=public_read_policy(bucket, prefix),
        rules="Statement",
        name="Sid",
        rights="s3:GetBucketPolicy and s3:PutBucketPolicy, or Block Public Access is on",
        read=read,
        write=lambda document: client.put_bucket_policy(Bucket=bucket, Policy=json.dumps(document)),
    )


def _cors(client: Any, bucket: str) -> _Part:
    return _Part(
        what="players of other sites may read transcripts (CORS)",
        own=cors_rules(),
        rules="CORSRules",
        name="ID",
        rights="s3:GetBucketCORS and s3:PutBucketCORS",
        read=lambda: {"CORSRules": client.get_bucket_cors(Bucket=bucket).get("CORSRules", [])},
        write=lambda document: client.put_bucket_cors(Bucket=bucket, CORSConfiguration=document),
    )


def _lifecycle(client: Any, bucket: str, prefix: str) -> _Part:
    kept: dict[str, str] = {}

    def read() -> dict[str, Any]:
        answer = client.get_bucket_lifecycle_configuration(Bucket=bucket)
        size = "TransitionDefaultMinimumObjectSize"  # of all rules: left out of a request, AWS sets it back
        kept.update({size: answer[size]} if answer.get(size) else {})
        return {"Rules": json.loads(json.dumps(answer.get("Rules", []), default=str))}  # dates are sent as text, too

    return _Part(
        what="unfinished uploads are cleared away",
        own=lifecycle_rules(prefix),
        rules="Rules",
        name="ID",
        rights="s3:GetLifecycleConfiguration and s3:PutLifecycleConfiguration",
        read=read,
        write=lambda document: client.put_bucket_lifecycle_configuration(
            Bucket=bucket, LifecycleConfiguration=document, **kept
        ),
    )


def _put_in_place(part: _Part, client: Any, bucket: str) -> Setting:
    from pipeline.publish import connecting  # noqa: PLC0415  boto3 is slow to import

    document = part.own
    try:
        there = _read(part, connecting)
        document, is_there = _merged(part, there)
        if not is_there:
            part.write(document)
    except connecting.ClientError as error:
        return Setting(what=part.what, is_done=False, detail=_refusal(error, part, connecting), document=document)
    except connecting.FAULTS as error:
        endpoint = str(client.meta.endpoint_url)
        raise connecting.storage_error(error, source=f"s3://{bucket}", endpoint=endpoint) from error
    except ValueError:
        detail = f"what stands there is no document that can be read; look at it, then {_BY_HAND}"
        return Setting(what=part.what, is_done=False, detail=detail, document=document)
    return Setting(what=part.what, is_done=True, detail="as it was" if is_there else "put in place", document=document)


def _read(part: _Part, boto: Any) -> dict[str, Any]:
    try:
        return part.read()
    except boto.ClientError as error:
        if boto.code(error) in _NONE_YET:
            return {}
        raise


def _merged(part: _Part, there: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    """Put our rule behind those of others, so that theirs apply as before; say whether it stands there already."""
    (own,) = part.own[part.rules]
    rules = list(there.get(part.rules, []))
    others = [rule for rule in rules if rule.get(part.name) != own[part.name]]
    is_there = len(others) == len(rules) - 1 and any(_plain(rule) == _plain(own) for rule in rules)
    return {**part.own, **there, part.rules: [*others, own]}, is_there


def _plain(value: object) -> object:
    """Bring a rule into one form: services answer with names of everybody, lists of one and orders of their own."""
    if value in ({"AWS": "*"}, {"AWS": ["*"]}):
        return "*"
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return _plain(value[0]) if len(value) == 1 else sorted(value, key=repr)
    return value


def _refusal(error: Any, part: _Part, boto: Any) -> str:
    code = boto.code(error)
    if "BlockPublicPolicy" in str(error.response.get("Error", {}).get("Message", "")):
        return _BLOCKED
    if code in _NO_RIGHTS:
        return f"these credentials lack {part.rights}; ask the bucket's owner to {_BY_HAND}"
    if code in _UNKNOWN:
        return "this service does not take it; look for the same in its provider's own console"
    if code in _NOT_UNDERSTOOD:
        return f"this service does not understand it ({code}); {_BY_HAND}, in the form its provider wants"
    fault = boto.storage_error(error, source="", endpoint="")
    return f"{fault.message}; mend that and try again, or {_BY_HAND}"


def _allowing(sid: str, actions: list[str], resource: str) -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resource}


def _sid(prefix: str) -> str:
    """Tell the statements of several sites in one bucket apart; a Sid takes letters and digits only."""
    words = "".join(c if c.isalnum() else " " for c in prefix).split()
    mark = hashlib.sha256(prefix.encode()).hexdigest()[:8] if prefix else ""
    return _SID + "".join(word.capitalize() for word in words) + mark
