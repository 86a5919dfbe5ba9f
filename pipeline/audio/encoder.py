"""Settings enter, the ffmpeg program they name leaves, and what it says of itself; imageio-ffmpeg brings one along."""

import os
import re
import shutil
import subprocess
from functools import lru_cache
from pathlib import Path
from typing import Any

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


def start(command: list[str], **pipes: Any) -> "subprocess.Popen[bytes]":
    """Start the program. pipes: as for subprocess.Popen.

    Raises:
        AudioError: it cannot be started.
    """
    try:
        return subprocess.Popen(command, env=_environment(), **pipes)
    except OSError as error:
        raise AudioError(f"cannot be started: {error.strerror}", source=command[0], hint=INSTALL) from error


def _environment() -> dict[str, str]:
    # FFREPORT would have ffmpeg write a log wherever it says.
    return {name: value for name, value in os.environ.items() if name != "FFREPORT"}


def _bundled() -> str | None:
    # The package itself would run it once more to see whether it works, which `_version` does anyway.
    carried = [*Path(imageio_ffmpeg.__file__).parent.glob("binaries/ffmpeg-*")]
    if len(carried) == 1 and "IMAGEIO_FFMPEG_EXE" not in os.environ:
        return str(carried[0])
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
            env=_environment(),
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise AudioError("does not run", source=program, hint=INSTALL) from error
    return done.stdout.decode(errors="replace")
