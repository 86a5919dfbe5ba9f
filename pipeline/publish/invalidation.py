"""Changed keys -> an invalidation of Amazon CloudFront, so that what it has in store is asked for anew."""

from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote

from pipeline.errors import StorageError
from pipeline.publish.store import OWN, is_lasting

_MOST = 8
_INDEX = "index.html"


def paths(keys: Iterable[str], *, site_path: str = "/", most: int = _MOST) -> tuple[str, ...]:
    """Name the paths that CloudFront shall forget.

    Args:
        keys: what was sent or removed; what carries its hash in its name never changes, and is left out.
        site_path: where the site begins; ends in a slash.
        most: more paths than these become one that stands for all: a thousand a month are free, a wildcard is one.

    Returns:
        A page stands for itself and for the address of its folder, with one wildcard for both.
    """
    changed = {key for key in keys if not is_lasting(key) and not key.startswith(OWN)}
    found = {site_path + quote(name, safe="/*~") for key in changed for name in _names(key)}
    return (f"{site_path}*",) if len(found) > most else tuple(sorted(found))


def invalidate(distribution: str, changed: Sequence[str], *, caller_reference: str) -> str:
    """Ask CloudFront to forget some paths; the same reference again is the same invalidation.

    Args:
        distribution: its id.
        changed: paths, as `paths` writes them.
        caller_reference: what tells this request from others.

    Returns:
        The invalidation's id.

    Raises:
        StorageError: CloudFront refused, or cannot be reached.
    """
    import boto3  # noqa: PLC0415  slow to import
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    from pipeline.publish.faults import storage_error  # noqa: PLC0415

    source = f"CloudFront {distribution}"
    try:
        client: Any = boto3.client("cloudfront", region_name="us-east-1")
        answer = client.create_invalidation(
            DistributionId=distribution,
            InvalidationBatch={
                "Paths": {"Quantity": len(changed), "Items": list(changed)},
                "CallerReference": caller_reference,
            },
        )
    except ClientError as error:
        refused = _refusals().get(str(error.response.get("Error", {}).get("Code", "")))
        if refused is None:
            raise storage_error(error, source=source, endpoint="CloudFront") from error
        raise StorageError(refused[0], source=source, hint=refused[1]) from error
    except (BotoCoreError, OSError) as error:
        raise storage_error(error, source=source, endpoint="CloudFront") from error
    return str(answer["Invalidation"]["Id"])


def _refusals() -> dict[str, tuple[str, str]]:
    return {
        "NoSuchDistribution": ("there is no such distribution", "check [storage] cloudfront in cln_media.toml"),
        "AccessDenied": ("these credentials may not invalidate it", "ask for cloudfront:CreateInvalidation on it"),
        "TooManyInvalidationsInProgress": ("too many invalidations are under way", "publish again in some minutes"),
    }


def _names(key: str) -> tuple[str, ...]:
    """Name what a browser asks for to get a file: CloudFront compares addresses, not keys."""
    folder, slash, name = key.rpartition("/")
    if name != _INDEX:
        return (key,)
    return (f"{folder}{slash}*",) if folder else ("", _INDEX)
