"""Finished sound enters as it streams to the master, the same in AAC and Opus leaves; one child encodes both."""

import hashlib
import math
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from pipeline.audio.child import PLAIN, QUIET, Child, feeding, file_out, sound_in
from pipeline.audio.encoder import ffmpeg_program
from pipeline.audio.graph import Block
from pipeline.audio.meter import measure
from pipeline.errors import AudioError
from pipeline.model import AudioSettings, Rendition

PEAK_MARGIN_DB = 0.1  # other meters may read so much more
GAIN_STEPS_PER_DB = 256
GAIN_PLACE, CRC_PLACE = 16, slice(22, 26)  # in the packet OpusHead; in a page of Ogg
CRC_POLYNOMIAL, CRC_BITS = 0x04C11DB7, 32


@dataclass(frozen=True, slots=True, kw_only=True)
class _Coding:
    extension: str
    codecs: str
    mime: str
    kbps: Mapping[int, int]  # by number of channels
    arguments: tuple[str, ...]


CODINGS: Mapping[Literal["aac", "opus"], _Coding] = {
    # Of ffmpeg's two ways to code AAC, "fast" takes half the time, and differs less from the sound in its peaks.
    "aac": _Coding(
        extension="m4a",
        codecs="mp4a.40.2",
        mime="audio/mp4",
        kbps={1: 64, 2: 112},
        arguments=("-c:a", "aac", "-aac_coder", "fast", "-f", "ipod", "-movflags", "+faststart"),
    ),
    "opus": _Coding(
        extension="opus",
        codecs="opus",
        mime="audio/ogg",
        kbps={1: 24, 2: 40},
        arguments=("-c:a", "libopus", "-application", "voip", "-f", "opus"),
    ),
}


class Renderer:
    """Encodes what it is given: write blocks of sound, float32 (channels, samples), then finish."""

    def __init__(
        self,
        child: Child | None,
        paths: Mapping[Literal["aac", "opus"], Path],
        settings: AudioSettings,
        *,
        channels: int,
        gain_db: float,
    ) -> None:
        self._child, self._paths, self._settings = child, paths, settings
        self._channels, self._factor = channels, np.float32(10 ** (gain_db / 20))
        self.is_finished = child is None

    def write(self, block: Block) -> None:
        """Encode one more block.

        Raises:
            AudioError: the encoder has stopped: the disk is full, or it refused.
        """
        if self._child is not None:
            self._child.write(block * self._factor)

    def finish(self) -> tuple[Rendition, ...]:
        """Wait until the files are complete, and bring Opus to the target.

        Returns:
            A Rendition for each of the settings' alternates, in their order.

        Raises:
            AudioError: a file could not be completed.
        """
        if self._child is not None:
            self._child.finish()
        if "opus" in self._paths:
            _settle(self._paths["opus"], self._settings)
        made = tuple(_rendition(codec, path, self._channels) for codec, path in self._paths.items())
        self.is_finished = True
        return made


@contextmanager
def rendering(
    folder: Path, settings: AudioSettings, *, rate_hz: int, channels: int, gain_db: float = 0.0
) -> Iterator[Renderer]:
    """Encode a master's sound in each coding of `settings.alternates`, while it streams to the MP3.

    Args:
        folder: where the files are made, under names that nobody else uses; they stay if the renderer finished.
        settings: the alternates and the target.
        rate_hz: the rate of the blocks.
        channels: of the blocks, 1 or 2.
        gain_db: takes back what the sound was raised by because the MP3 encoder makes it softer.

    True peaks: AAC follows the sound within 0.2 dB (measured on speech limited 1.2 dB under the target), so it needs no
    more headroom. Opus at these bit rates goes up to 2.5 dB beyond it: its header carries a gain that every decoder
    must apply, so the complete file is measured and its level set there, exactly, without another encode.

    Without alternates, nothing is started.

    Raises:
        AudioError: there is no ffmpeg program, or encoding fails.

    Source: RFC 7845, 5.1 (output gain).
    """
    token = secrets.token_hex(8)
    paths = {codec: folder / f"{token}.{CODINGS[codec].extension}" for codec in settings.alternates}
    if not paths:
        yield Renderer(None, {}, settings, channels=channels, gain_db=gain_db)
        return
    finished = False
    try:
        with feeding(_command(paths, settings, rate_hz=rate_hz, channels=channels), folder) as child:
            renderer = Renderer(child, paths, settings, channels=channels, gain_db=gain_db)
            yield renderer
            finished = renderer.is_finished
    finally:
        if not finished:
            for path in paths.values():
                path.unlink(missing_ok=True)


def _command(
    paths: Mapping[Literal["aac", "opus"], Path], settings: AudioSettings, *, rate_hz: int, channels: int
) -> list[str]:
    outputs: list[str] = []
    for codec, path in paths.items():
        coding = CODINGS[codec]
        rate = ("-map", "0:a:0", "-b:a", f"{coding.kbps[channels]}k")
        outputs += [*rate, *coding.arguments, *PLAIN, "-y", file_out(path)]
    return [ffmpeg_program(settings), *QUIET, *sound_in(rate_hz=rate_hz, channels=channels), *outputs]


def _rendition(codec: Literal["aac", "opus"], path: Path, channels: int) -> Rendition:
    coding = CODINGS[codec]
    try:
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            size = file.tell()
    except OSError as error:
        hint = "check the right to write to this folder, then build again"
        raise AudioError(f"the {codec} file was not written", source=path.parent, hint=hint) from error
    return Rendition(
        path=path,
        sha256=sha256,
        size=size,
        codec=codec,
        codecs=coding.codecs,
        mime=coding.mime,
        bit_rate_kbps=coding.kbps[channels],
    )


def _settle(path: Path, settings: AudioSettings) -> None:
    target = settings.target
    heard = measure(path, mono_loudness=target.mono_loudness)
    if math.isfinite(heard.integrated_lufs):
        room_db = target.true_peak_dbtp - PEAK_MARGIN_DB - heard.true_peak_dbtp
        _set_output_gain(path, min(target.integrated_lufs - heard.integrated_lufs, room_db))


def _set_output_gain(path: Path, gain_db: float) -> None:
    """Write the gain into the first page of Ogg, which holds nothing but the packet OpusHead."""
    with path.open("r+b") as file:
        head = file.read(27)
        page = bytearray(head + file.read(head[26]))
        page += file.read(sum(page[27:]))
        start = 27 + head[26] + GAIN_PLACE
        page[start : start + 2] = math.floor(gain_db * GAIN_STEPS_PER_DB).to_bytes(2, "little", signed=True)
        page[CRC_PLACE] = bytes(4)
        page[CRC_PLACE] = _crc(bytes(page)).to_bytes(4, "little")
        file.seek(0)
        file.write(page)


def _crc(page: bytes) -> int:
    """Return the checksum of a page of Ogg (RFC 3533, 6)."""
    checksum = 0
    for byte in page:
        checksum ^= byte << CRC_BITS - 8
        for _ in range(8):
            checksum = checksum << 1 ^ (CRC_POLYNOMIAL if checksum >> CRC_BITS - 1 else 0)
            checksum &= (1 << CRC_BITS) - 1
    return checksum
