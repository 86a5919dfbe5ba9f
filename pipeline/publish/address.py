"""The storage settings -> an opened store; every address is checked before anything is touched."""

import os
import re
from pathlib import Path, PurePath, PureWindowsPath
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from pipeline.errors import ConfigError
from pipeline.model import StorageSettings
from pipeline.publish.directory import DirectoryStore

if TYPE_CHECKING:
    from pipeline.publish.s3 import S3Store

_Folder = TypeVar("_Folder", bound=PurePath)
_SOURCE = "cln_media.toml"
_HINT = 'write [storage] url as "s3://BUCKET/PREFIX" or "file:FOLDER"'
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX = re.compile(r"[A-Za-z0-9!_.'()/-]*")
_WORKSPACE_FOLDERS = ("episodes", "pipeline", "templates", "site", ".cache", ".git")


def open_store(settings: StorageSettings, *, workspace: Path) -> "S3Store | DirectoryStore":
    """Open the store that `settings` name.

    Args:
        settings: the address; `file:` is relative to the workspace.
        workspace: the folder of cln_media.toml.

    Raises:
        ConfigError: the address is not one, holds a secret, or would overwrite the workspace.
        StorageError: the credentials or the profile of this machine cannot be read.
    """
    scheme, _, rest = settings.url.partition(":")
    if scheme == "file":
        return DirectoryStore(_checked_folder(rest, workspace))
    if scheme == "s3" and rest.startswith("//"):
        bucket, prefix = _bucket_and_prefix(rest.removeprefix("//"))
        _check_endpoint(settings.endpoint_url)
        _check_region(settings)
        from pipeline.publish.s3 import S3Store  # noqa: PLC0415  a folder does not need it

        return S3Store(bucket=bucket, prefix=prefix, settings=settings)
    raise ConfigError("[storage] url is not an address of a store", source=_SOURCE, hint=_HINT)


def _bucket_and_prefix(text: str) -> tuple[str, str]:
    if "@" in text or ":" in text:
        raise _secret("[storage] url")
    bucket, _, prefix = text.partition("/")
    if not _BUCKET.fullmatch(bucket):
        hint = "a bucket's name has 3 to 63 small letters, digits, dots and hyphens"
        raise ConfigError("[storage] url does not name a bucket", source=_SOURCE, hint=hint)
    parts = prefix.strip("/").split("/") if prefix.strip("/") else []
    if not _PREFIX.fullmatch(prefix) or any(part in ("", ".", "..") for part in parts):
        hint = "use letters, digits and hyphens, separated by single slashes"
        raise ConfigError("[storage] url has a prefix that cannot be used", source=_SOURCE, hint=hint)
    return bucket, "".join(part + "/" for part in parts)


def _check_endpoint(endpoint_url: str | None) -> None:
    if endpoint_url is None:
        return
    hint = 'write [storage] endpoint_url as "https://HOST", as your provider names it'
    if "@" in endpoint_url:
        raise _secret("[storage] endpoint_url")
    try:
        url = urlsplit(endpoint_url)
        is_usable = url.scheme in ("http", "https") and url.hostname and url.port != 0
    except ValueError as error:
        raise ConfigError("[storage] endpoint_url is not an address", source=_SOURCE, hint=hint) from error
    if not is_usable or url.query or url.fragment:
        raise ConfigError("[storage] endpoint_url is not an address of a store", source=_SOURCE, hint=hint)


def _check_region(settings: StorageSettings) -> None:
    """Refuse a bucket of Amazon's outside the regions that are allowed; where others are, only a person knows."""
    region = settings.region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    allowed = settings.allowed_regions
    if settings.endpoint_url is not None or region is None or settings.residency_reference:
        return
    if allowed and region not in allowed:
        hint = f"use a bucket in {' or '.join(allowed)}, or name the assessment that allows it in residency_reference"
        raise ConfigError(f"[storage] is in {region}, where recordings may not be kept", source=_SOURCE, hint=hint)


def _secret(what: str) -> ConfigError:
    hint = "remove it there and change the key; keep keys in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    return ConfigError(f"{what} holds more than names, and no access key may stand there", source=_SOURCE, hint=hint)


def _checked_folder(text: str, workspace: Path) -> Path:
    folder = joined(text, workspace)
    if os.name != "nt" and PureWindowsPath(text).drive:
        hint = "name a folder of this machine"
        raise ConfigError("[storage] url names a Windows drive", source=_SOURCE, hint=hint)
    try:
        here, there = workspace.resolve(), folder.resolve()
    except (OSError, RuntimeError) as error:
        raise ConfigError("[storage] url names a folder that cannot be followed", source=_SOURCE, hint=_HINT) from error
    if overwrites(there, here):
        hint = (
            f"choose a folder of its own, such as file:./public; not the workspace, nor {', '.join(_WORKSPACE_FOLDERS)}"
        )
        raise ConfigError("[storage] url would overwrite the workspace", source=_SOURCE, hint=hint)
    return there


def joined(text: str, workspace: _Folder) -> _Folder:
    """Join what follows `file:` to `workspace`, as the machine that `workspace` belongs to reads paths."""
    if not text.strip() or "\0" in text:
        raise ConfigError("[storage] url names no folder", source=_SOURCE, hint=_HINT)
    if text.startswith("///"):
        text = re.sub(r"^/(?=[A-Za-z]:)", "", text.removeprefix("//"))
    elif text.startswith("//"):
        raise ConfigError("[storage] url names another machine", source=_SOURCE, hint=_HINT)
    return workspace / text


def overwrites(folder: PurePath, workspace: PurePath) -> bool:
    """Say whether publishing to `folder` would write among the workspace's own files; both absolute.

    Upper and lower case count as equal, as they are on most machines that are not servers.
    """
    there, here = (tuple(part.casefold() for part in path.parts) for path in (folder, workspace))
    if here[: len(there)] == there:
        return True
    return there[: len(here)] == here and there[len(here)] in _WORKSPACE_FOLDERS
