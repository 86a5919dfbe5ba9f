"""An episode as it would leave -> the SHA-256 of each part of it, and whether people have signed just that.

A signature may be an SSH one, made and verified by OpenSSH's own program.
"""

import hashlib
import json
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import UTC
from pathlib import Path

from pipeline.errors import MediaError
from pipeline.model import Episode, Master, SignOff, TrustSettings

_NAMESPACE = "sign-off@cln-media"
_PROGRAM_S = 60


def parts(episode: Episode, master: Master, *, tags: str, images: list[str]) -> dict[str, str]:
    """Hash each part of an episode that a person signs for.

    Args:
        episode: reviewed, and on its master's clock, as it would be published.
        master: its sound.
        tags: what its sound files are tagged with, as text.
        images: where each of its pictures stands, and its SHA-256.

    Returns:
        The SHA-256 by part: master, transcript, notes, chapters, details, tags, consent, review.
    """
    transcript, published = episode.transcript, episode.published
    sound = [master.sha256, *(rendition.sha256 for rendition in master.renditions)]
    details = {
        "guid": episode.guid,
        "slug": episode.slug,
        "title": episode.title,
        "number": [episode.season, episode.number, episode.display, str(episode.kind)],
        "recorded_on": str(episode.recorded_on),
        "published": published.astimezone(UTC).isoformat() if published else None,
        "updated": episode.updated.astimezone(UTC).isoformat() if episode.updated else None,
        "where": [episode.region, episode.set_name, list(episode.topics), str(episode.visibility)],
        "summary": episode.summary,
        "explicit": episode.explicit,
        "links": [asdict(link) for link in episode.links],
        "soundbites": [asdict(bite) for bite in episode.soundbites],
        "drafted": list(episode.machine_drafted),
        "images": images,
    }
    chapters = [[chapter.start_ms, chapter.title, chapter.url] for chapter in episode.chapters]
    consent = [asdict(speaker) for speaker in episode.speakers]
    decisions = [asdict(decision) for decision in episode.decisions]
    return {
        "master": _sha256(sound),
        "transcript": _sha256([[cue.start_ms, cue.end_ms, cue.speaker, cue.text] for cue in transcript.cues])
        if transcript
        else _sha256(None),
        "notes": hashlib.sha256((episode.notes or "").encode()).hexdigest(),
        "chapters": _sha256(chapters),
        "details": _sha256(details),
        "tags": hashlib.sha256(tags.encode()).hexdigest(),
        "consent": _sha256([consent, asdict(episode.room) if episode.room else None]),
        "review": _sha256(decisions),
    }


def lacking(episode: Episode, now: Mapping[str, str], settings: TrustSettings) -> Iterator[tuple[str, str]]:
    """Find the roles that have not signed an episode as it is, each with the reason in a few words.

    Two roles need two people: who has signed in one role cannot count for another.
    """
    counted: set[str] = set()
    for role in settings.roles(episode.visibility):
        latest = next((each for each in reversed(episode.sign_offs) if each.role == role), None)
        if latest is None:
            yield role, "is not signed"
            continue
        changed = differences(latest, now)
        if changed:
            yield role, f"was signed before {_listed(changed)} changed"
        elif principal(latest.by) in counted:
            yield role, f"was signed by {latest.by}, who has signed in another role"
        else:
            counted.add(principal(latest.by))


def differences(sign_off: SignOff, now: Mapping[str, str]) -> tuple[str, ...]:
    """Name the parts of an episode that are not as they were when it was signed."""
    return tuple(name for name, sha256 in now.items() if sign_off.parts.get(name) != sha256)


def statement(slug: str, sign_off: SignOff) -> bytes:
    """Write down what is signed, in the same bytes each time."""
    said = {"slug": slug, "role": sign_off.role, "by": sign_off.by, "at": sign_off.at, "parts": dict(sign_off.parts)}
    return json.dumps(said, sort_keys=True, ensure_ascii=False).encode()


def ssh_signature(data: bytes, private_key: Path) -> str:
    """Sign with an SSH key.

    Raises:
        MediaError: OpenSSH is not there, or cannot use the key.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "statement")
        file.write_bytes(data)
        _ssh_keygen(["-Y", "sign", "-n", _NAMESPACE, "-f", str(private_key), str(file)], private_key)
        return file.with_suffix(".sig").read_text(encoding="ascii")


def is_ssh_signed(data: bytes, signature: str, *, by: str, allowed_signers: Path) -> bool:
    """Say whether a signature is that of `by` in a file of allowed signers.

    Source: ssh-keygen(1), ALLOWED SIGNERS.

    Raises:
        MediaError: OpenSSH is not there.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "statement.sig")
        file.write_text(signature, encoding="ascii")
        arguments = ["-Y", "verify", "-n", _NAMESPACE, "-I", principal(by), "-f", str(allowed_signers), "-s", str(file)]
        return _run(["ssh-keygen", *arguments], data).returncode == 0


def principal(by: str) -> str:
    """Name whoever signs as a file of allowed signers does: small letters and hyphens, "communications-officer"."""
    return "-".join("".join(letter if letter.isalnum() else " " for letter in by.casefold()).split())


def _ssh_keygen(arguments: list[str], key: Path) -> None:
    done = _run(["ssh-keygen", *arguments], b"")
    if done.returncode:
        reason = done.stderr.decode(errors="replace").strip().splitlines()
        message = f"cannot sign: {reason[-1] if reason else 'ssh-keygen failed'}"
        raise MediaError(message, source=key, hint="Name a private key of yours, without a passphrase or in the agent")


def _run(command: list[str], data: bytes) -> "subprocess.CompletedProcess[bytes]":
    try:
        return subprocess.run(command, input=data, capture_output=True, timeout=_PROGRAM_S, check=False)
    except (OSError, subprocess.SubprocessError) as error:
        hint = "Install OpenSSH (apt-get install openssh-client), or sign without --key"
        raise MediaError("ssh-keygen cannot be run", source=command[0], hint=hint) from error


def _listed(names: tuple[str, ...]) -> str:
    shown = [f"its {name}" for name in names]
    return " and ".join(shown) if len(shown) < 3 else f"{', '.join(shown[:-1])} and {shown[-1]}"  # noqa: PLR2004


def _sha256(value: object) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
