"""Settings enter, the ffmpeg program they name leaves, and what it says of itself; imageio-ffmpeg brings one along."""

import os
import re
import shutil
import subprocess
from functools import lru_cache
from pathlib import Path

import imageio_ffmpeg

from pipeline.errors import AudioError
from pipeline.model import AudioSettings

PROGRAM_VARIABLE = "CLN_MEDIA_FFMPEG"
ENCODERS = ("libmp3lame", "aac", "libopus")
ANSWER_S = 30
INSTALL = f"install the package imageio-ffmpeg, or name an ffmpeg program in {PROGRAM_VARIABLE} or in cln_media.toml"
NO_ROOM = ("No space left", "File too large", "quota exceeded")


def ffmpeg_program(settings: AudioSettings) -> str:
    """Find the ffmpeg program: CLN_MEDIA_FFMPEG, then `settings.ffmpeg`, then the one of imageio-ffmpeg.

    Raises:
        AudioError: there is none, or it does not run.
    """
    named = os.environ.get(PROGRAM_VARIABLE) or settings.ffmpeg
    program = shutil.which(named) if named else _bundled()
    if program is None:
        raise AudioError("is not a program that can be run", source=named or "ffmpeg", hint=INSTALL)
    _version(program)
    return program


def ffmpeg_version(settings: AudioSettings) -> str:
    """Return the first line that the ffmpeg program says of itself.

    Raises:
        AudioError: there is no ffmpeg program, or it does not run.
    """
    return _version(ffmpeg_program(settings))


def encoders(settings: AudioSettings | None = None) -> tuple[str, ...]:
    """List which of the encoders libmp3lame, aac and libopus the ffmpeg program has.

    Raises:
        AudioError: there is no ffmpeg program, or it does not run.
    """
    listed = _answer(ffmpeg_program(settings or AudioSettings()), "-encoders")
    return tuple(name for name in ENCODERS if re.search(rf"^\s*A\S*\s+{name}\s", listed, re.MULTILINE))


def environment() -> dict[str, str]:
    """Return the environment for the program, without FFREPORT, which would have it write a log wherever it says."""
    return {name: value for name, value in os.environ.items() if name != "FFREPORT"}


def _bundled() -> str | None:
    # The package itself would run it once more to see whether it works, which `_version` does anyway.
    (carried, *others) = [*Path(imageio_ffmpeg.__file__).parent.glob("binaries/ffmpeg-*"), None]
    if carried is not None and others == [None]:
        return str(carried)
    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError:
        return None


@lru_cache
def _version(program: str) -> str:
    line = _answer(program, "-version").split("\n", 1)[0].strip()
    if not line.startswith("ffmpeg version"):
        raise AudioError("is not an ffmpeg program", source=program, hint=INSTALL)
    return line


def _answer(program: str, question: str) -> str:
    try:
        done = subprocess.run(
            [program, "-hide_banner", "-loglevel", "error", question]
            if question != "-version"
            else [program, question],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=ANSWER_S,
            check=True,
            env=environment(),
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise AudioError("does not run", source=program, hint=INSTALL) from error
    return done.stdout.decode(errors="replace")
