"""Blocks of finished sound enter, an MP3 leaves; the ffmpeg program encodes, as a child process fed through a pipe."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import IO

import imageio_ffmpeg
import numpy as np

from pipeline.audio.graph import Block
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


class Encoder:
    """A running encoder: write blocks of sound, float32 (channels, samples), -1 to 1."""

    def __init__(self, process: "subprocess.Popen[bytes]", pipe: IO[bytes], destination: Path) -> None:
        self._process = process
        self._pipe = pipe
        self._destination = destination

    def write(self, block: Block) -> None:
        """Encode one more block.

        Raises:
            AudioError: the encoder has stopped: the disk is full, or it refused.
        """
        try:
            self._pipe.write(np.ascontiguousarray(block.T, dtype="<f4").tobytes())
        except OSError as error:
            raise self._failure() from error

    def finish(self) -> None:
        """Wait until the file is complete.

        Raises:
            AudioError: the file could not be completed.
        """
        try:
            self._pipe.close()
        except OSError as error:
            raise self._failure() from error
        if self._process.wait() != 0:
            raise self._failure()

    def _failure(self) -> AudioError:
        self._process.wait()
        said = self._process.stderr.read().decode(errors="replace").strip() if self._process.stderr else ""
        limit = self._process.returncode == -getattr(signal, "SIGXFSZ", 0) != 0
        folder = self._destination.parent
        if limit or any(reason in said for reason in NO_ROOM):
            hint = "make room there, or raise the limit on file sizes, and build again"
            return AudioError("has no room for the master: the disk or a limit is reached", source=folder, hint=hint)
        last = said.splitlines()[-1] if said else f"it ended with {self._process.returncode}"
        hint = "check the audio settings in cln_media.toml and the rights on the folder"
        return AudioError(f"the master cannot be encoded here: ffmpeg says: {last}", source=folder, hint=hint)


@contextmanager
def encoding(destination: Path, settings: AudioSettings) -> Iterator[Encoder]:
    """Encode an MP3 of constant bit rate into `destination`, without tags, with the header players trim it by.

    Leaving ends the child: complete after `Encoder.finish`, else killed.

    Raises:
        AudioError: there is no ffmpeg program, or encoding fails.
    """
    process = _start(_command(destination, settings))
    try:
        if process.stdin is not None:
            yield Encoder(process, process.stdin, destination)
    finally:
        _end(process)


def _command(destination: Path, settings: AudioSettings) -> list[str]:
    sound = ["-f", "f32le", "-ar", str(settings.sample_rate_hz), "-ac", str(settings.channels), "-i", "pipe:0"]
    coding = ["-map", "0:a:0", "-c:a", "libmp3lame", "-b:a", f"{settings.bit_rate_kbps}k", "-abr", "0"]
    plain = ["-map_metadata", "-1", "-fflags", "+bitexact", "-flags:a", "+bitexact"]
    file = ["-id3v2_version", "0", "-write_id3v1", "0", "-write_xing", "1", "-f", "mp3", "-y"]
    quiet = ["-hide_banner", "-nostdin", "-nostats", "-loglevel", "error", "-xerror"]
    # "file:" keeps a colon in a path from naming a protocol.
    return [ffmpeg_program(settings), *quiet, *sound, *coding, *plain, *file, f"file:{destination.absolute()}"]


def _start(command: list[str]) -> "subprocess.Popen[bytes]":
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=_environment(),
        )
    except OSError as error:
        raise AudioError(f"cannot be started: {error.strerror}", source=command[0], hint=INSTALL) from error


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.kill()
    process.wait()
    for pipe in (process.stdin, process.stderr):
        with suppress(OSError):  # what was still to be written to a child that is gone
            if pipe is not None:
                pipe.close()


def _environment() -> dict[str, str]:
    # FFREPORT would have ffmpeg write a log wherever it says.
    return {name: value for name, value in os.environ.items() if name != "FFREPORT"}


def _bundled() -> str | None:
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
