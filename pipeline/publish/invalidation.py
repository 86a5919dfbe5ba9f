"""Changed keys -> an invalidation of Amazon CloudFront, so that what it has in store is asked for anew.

Source: Amazon CloudFront Developer Guide, "What you need to know when invalidating paths"; API 2020-05-31.
"""

from collections.abc import Iterable, Sequence
from contextlib import closing
from typing import Any
from urllib.parse import quote

from pipeline.errors import StorageError
from pipeline.publish.store import OWN, is_lasting

_MOST = 8
_INDEX = "index.html"
_LEFT_AS_THEY_ARE = "/!$&'()+,:;="  # CloudFront wants only what RFC 1738 calls unsafe encoded, or it forgets nothing
_SETTINGS: dict[str, Any] = {
    "retries": {"mode": "standard", "max_attempts": 4},
    "connect_timeout": 5,
    "read_timeout": 30,
}
_REFUSALS = {
    "NoSuchDistribution": ("there is no such distribution", "check [storage] cloudfront in cln_media.toml"),
    "AccessDenied": ("these credentials may not invalidate it", "ask for cloudfront:CreateInvalidation on it"),
    "TooManyInvalidationsInProgress": (
        "too many invalidations are under way",
        "wait until they are done, some minutes; pages and feeds expire by themselves meanwhile",
    ),
    "InvalidArgument": ("CloudFront does not take the paths", "invalidate /* in the AWS console"),
}


def paths(keys: Iterable[str], *, gone: Iterable[str] = (), site_path: str = "/", most: int = _MOST) -> tuple[str, ...]:
    """Name the paths that CloudFront shall forget.

    A page is asked for as its folder, with and without the last slash, and, where a function at the distribution
    rewrites addresses, kept as its file: `/episodes/x*` stands for all three and counts once. What else begins so is
    asked for anew too, which costs a request each; a path that another one's wildcard covers is left out.

    Args:
        keys: what was sent; what carries its hash in its name never changes, and is left out.
        gone: what was removed, sound too: it would be served for as long as a year.
        site_path: where the site begins, as it stands in addresses; ends in a slash.
        most: more paths than these become one that stands for all: a thousand a month are free, a wildcard is one,
            and fifteen wildcards may be under way at a time.

    Returns:
        Sorted; none where nothing has to be forgotten.
    """
    changed = {key for key in keys if not is_lasting(key)} | set(gone)
    changed = {key for key in changed if not key.startswith(OWN)}
    found = {site_path + name for key in changed for name in _names(key)}
    beginnings = tuple(path.removesuffix("*") for path in found if path.endswith("*"))
    needed = [path for path in found if not any(_covers(beginning, path) for beginning in beginnings)]
    return (f"{site_path}*",) if len(needed) > most else tuple(sorted(needed))


def invalidate(distribution: str, changed: Sequence[str], *, caller_reference: str) -> str:
    """Ask CloudFront to forget some paths; the same reference again is the same invalidation.

    Args:
        distribution: its id.
        changed: paths, as `paths` writes them; at least one.
        caller_reference: what tells this request from others.

    Returns:
        The invalidation's id.

    Raises:
        StorageError: CloudFront refused, or cannot be reached.
    """
    import boto3  # noqa: PLC0415  slow to import
    from botocore.config import Config  # noqa: PLC0415

    from pipeline.publish import connecting  # noqa: PLC0415

    source = f"CloudFront {distribution}"
    batch = {"Paths": {"Quantity": len(changed), "Items": list(changed)}, "CallerReference": caller_reference}
    try:
        made = boto3.Session().client("cloudfront", region_name="us-east-1", config=Config(**_SETTINGS))
        with closing(made) as client:
            answer = client.create_invalidation(DistributionId=distribution, InvalidationBatch=batch)
            return str(answer["Invalidation"]["Id"])
    except connecting.ClientError as error:
        refused = _REFUSALS.get(connecting.code(error))
        if refused is None:
            raise connecting.storage_error(error, source=source, endpoint="CloudFront") from error
        raise StorageError(refused[0], source=source, hint=refused[1]) from error
    except (*connecting.FAULTS, ValueError, KeyError) as error:  # ValueError: an endpoint that botocore does not take
        raise connecting.storage_error(error, source=source, endpoint="CloudFront") from error


def _names(key: str) -> tuple[str, ...]:
    folder, _, name = key.rpartition("/")
    if name != _INDEX:
        return (_encoded(key),)
    return (f"{_encoded(folder)}*",) if folder else ("", _INDEX)


def _encoded(key: str) -> str:
    return quote(key, safe=_LEFT_AS_THEY_ARE).replace("~", "%7E")


def _covers(beginning: str, path: str) -> bool:
    return path.startswith(beginning) and path != f"{beginning}*"
