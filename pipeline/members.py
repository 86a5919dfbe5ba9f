"""The list of members, a private TOML file outside the workspace, to values and back; nothing but tomllib lives here.

A member is a person or a group with a secret address of its own. Whoever has the list has every address, so the file
is for its owner alone (rights 0600) and no message shows a secret.
"""

import json
import os
import re
import secrets
import sys
import tempfile
import tomllib
import unicodedata
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from pipeline.errors import WorkspaceError
from pipeline.model import Show

TOKEN_BYTES = 20
MAX_NAME = 100
MAX_BYTES = 5_000_000
_TOKEN = re.compile(r"[0-9a-f]{32,128}")
_SECTION = "members"
_HEADER = (
    "# The members of {title}, and the secret part of each one's address. Keep it to yourself: whoever has it can\n"
    "# hear everything. Written by `cln-media members`; a token is never used twice, so nothing is removed here.\n"
)
_HINT = "Restore the file from a backup; each [[members]] needs name, feed, token, added_on and state."
_UNPRINTABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})


class State(StrEnum):
    """Where a member stands: served, being removed from the store, or removed."""

    ACTIVE = "active"
    REVOKING = "revoking"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A person or a group that follows a members' feed. `token` is the secret: never shown unless asked for."""

    name: str
    feed: str
    token: str = field(repr=False)
    added_on: date
    state: State = State.ACTIVE
    revoked_on: date | None = None

    @property
    def prefix(self) -> str:
        """What stands before every key of this member's files."""
        return member_prefix(self.token)

    @property
    def is_current(self) -> bool:
        """Say whether the name is taken: by a member who is served, or still being removed."""
        return self.state is not State.REVOKED


@dataclass(frozen=True, slots=True, kw_only=True)
class Members:
    """The list as it was read: in the order of the file, with the bytes it was read from."""

    path: Path
    entries: tuple[Member, ...] = ()
    read_as: bytes = field(default=b"", repr=False)

    def current(self, name: str) -> Member | None:
        """Find a member by name, upper and lower case alike; not those that are revoked."""
        wanted = _folded(name)
        return next((member for member in self.entries if member.is_current and _folded(member.name) == wanted), None)


def member_prefix(token: str) -> str:
    """Name the prefix below which all of a member's files lie."""
    return f"m/{token}/"


def place(show: Show, *, workspace: Path) -> Path:
    """Say where the list of members is: as configured, or in this user's own settings folder.

    Raises:
        WorkspaceError: it would stand inside the workspace, from where it could be committed or published.
    """
    try:
        path = (show.members or _default(show)).resolve()  # a link stays a link: what it leads to is replaced
        inside = path.is_relative_to(workspace.resolve())
    except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle, or nobody's home folder
        hint = "Name a place for it outside the workspace in members.list of cln_media.toml."
        raise WorkspaceError("the list of members has no place that can be found", hint=hint) from error
    if inside:
        raise WorkspaceError(
            "the list of members stands inside the workspace",
            source=path,
            hint="Name a place outside in members.list of cln_media.toml: what is inside could be committed or "
            "published, and with it every secret address.",
        )
    return path


def read(path: Path) -> Members:
    """Read the list; one that is not there is empty.

    Raises:
        WorkspaceError: it cannot be read, or is not a list of members.
    """
    try:
        data = path.read_bytes() if path.exists() else b""
    except OSError as error:
        raise _unusable(path, f"cannot be read: {error.strerror}", "Check the rights of that file.") from error
    try:
        entries = _entries(data)
    except tomllib.TOMLDecodeError as error:
        raise _unusable(path, f"the list of members is not valid TOML: {error}", _HINT) from error
    except ValueError as error:
        message = "is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
        raise _unusable(path, f"the list of members {message}", _HINT) from None  # the text may show a secret
    return Members(path=path, entries=entries, read_as=data)


def write(members: Members, entries: tuple[Member, ...], *, title: str) -> Members:
    """Write a changed list, whole or not at all, for its owner alone.

    Args:
        members: the list as it was read.
        entries: what it shall hold.
        title: the show's, for the file's first line.

    Raises:
        WorkspaceError: the file has changed since it was read, or cannot be written.
    """
    path, data = members.path, _toml(entries, title).encode()
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if (path.read_bytes() if path.exists() else b"") != members.read_as:
            raise _unusable(path, "was changed by somebody else meanwhile", "Run the same command again.")
        _write_private(path, data)
    except OSError as error:
        hint = "Check the free space and the rights of that folder; the list is as it was."
        raise _unusable(path, f"cannot be written: {error.strerror}", hint) from error
    return Members(path=path, entries=entries, read_as=data)


def with_added(members: Members, *, name: str, feed: str, today: date) -> tuple[Member, ...]:
    """Return the entries with one more, whose token nobody has ever had.

    Raises:
        WorkspaceError: the name is taken, or no name.
    """
    name = _checked_name(name)
    if taken := members.current(name):
        state = "still being removed" if taken.state is State.REVOKING else f"a member of {taken.feed} already"
        hint = "Choose another name; `cln-media members list` shows all of them."
        raise WorkspaceError(f'"{name}" is {state}', source=members.path, hint=hint)
    return (*members.entries, Member(name=name, feed=feed, token=_new_token(members), added_on=today))


def changed(members: Members, member: Member, **changes: Any) -> tuple[Member, ...]:
    """Return the entries with `member` changed; it is known by its token."""
    return tuple(replace(each, **changes) if each.token == member.token else each for each in members.entries)


def is_exposed(path: Path) -> bool:
    """Say whether others on this computer may read the list; on Windows the user's own folder is private already."""
    try:
        return os.name == "posix" and bool(path.stat().st_mode & 0o077)
    except OSError:  # it is not there, or reading it will say why not
        return False


def _default(show: Show) -> Path:
    return settings_folder() / "cln-media" / f"{_slug(show.guid) or _slug(show.title) or 'show'}-members.toml"


def settings_folder() -> Path:
    """Return the folder in which this user's programs keep their settings, as the operating system has it."""
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA") or Path.home() / "AppData/Roaming")
    if sys.platform == "darwin":
        return Path.home() / "Library/Application Support"
    configured = Path(os.environ.get("XDG_CONFIG_HOME", ""))
    return configured if configured.is_absolute() else Path.home() / ".config"


def _slug(text: str | None) -> str:
    plain = unicodedata.normalize("NFKD", text or "").encode("ascii", "ignore").decode().lower()
    return "-".join(re.findall(r"[a-z0-9]+", plain))[:80].strip("-")


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).strip().casefold()


def _checked_name(name: str) -> str:
    name = unicodedata.normalize("NFC", name).strip()
    hint = f"Give a name of 1 to {MAX_NAME} characters on one line, such as North-West-chairs."
    if not name or len(name) > MAX_NAME:
        raise WorkspaceError("the member's name is empty or too long", hint=hint)
    if any(unicodedata.category(char) in _UNPRINTABLE for char in name):
        raise WorkspaceError("the member's name holds line breaks or control characters", hint=hint)
    return name


def _new_token(members: Members) -> str:
    used = {member.token for member in members.entries}
    token = secrets.token_hex(TOKEN_BYTES)
    return token if token not in used else _new_token(members)


def _entries(data: bytes) -> tuple[Member, ...]:
    if len(data) > MAX_BYTES:
        raise ValueError("is far too large")
    tables = tomllib.loads(data.decode("utf-8-sig").replace("\r\n", "\n")).get(_SECTION, [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise ValueError("does not hold [[members]]")
    entries = tuple(_member(table, number) for number, table in enumerate(tables, 1))
    _refuse_repeats(entries)
    return entries


def _member(table: dict[str, Any], number: int) -> Member:
    try:
        values = {**table, "state": State(table["state"])}
        member = Member(**values)
    except (KeyError, TypeError, ValueError):
        raise ValueError(f"has an incomplete entry {number}") from None  # the text may show a secret
    is_sound = (
        all(isinstance(text, str) and text for text in (member.name, member.feed, member.token))
        and _TOKEN.fullmatch(member.token)
        and _is_day(member.added_on)
        and (member.revoked_on is None or _is_day(member.revoked_on))
    )
    if not is_sound:
        raise ValueError(f"has a wrong value in entry {number}")
    return member


def _is_day(value: object) -> bool:
    return isinstance(value, date) and not isinstance(value, datetime)


def _refuse_repeats(entries: tuple[Member, ...]) -> None:
    names = [_folded(member.name) for member in entries if member.is_current]
    if len({member.token for member in entries}) < len(entries):
        raise ValueError("uses a token twice")
    if len(set(names)) < len(names):
        raise ValueError("uses a name twice")


def _toml(entries: tuple[Member, ...], title: str) -> str:
    blocks = [_HEADER.format(title=_quoted(title))]
    for member in entries:
        lines = [
            f"[[{_SECTION}]]",
            f"name = {_quoted(member.name)}",
            f"feed = {_quoted(member.feed)}",
            f"token = {_quoted(member.token)}",
            f"added_on = {member.added_on.isoformat()}",
            f"state = {_quoted(member.state.value)}",
        ]
        if member.revoked_on:
            lines.append(f"revoked_on = {member.revoked_on.isoformat()}")
        blocks.append("\n".join(lines) + "\n")
    return "\n".join(blocks)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _write_private(path: Path, data: bytes) -> None:
    handle, name = tempfile.mkstemp(prefix=".members-", dir=path.parent)  # with rights 0600
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _unusable(path: Path, message: str, hint: str) -> WorkspaceError:
    return WorkspaceError(message, source=path, hint=hint)
