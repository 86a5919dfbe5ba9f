"""A meeting enters each program, a table of how level its speakers leave is printed; pyloudnorm and ffmpeg measure."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pyloudnorm  # type: ignore[import-untyped]

from tools.bench.measuring import PROGRAM, measured, workspace
from tools.bench.meeting import (
    RATE_HZ,
    Meeting,
    Samples,
    Voice,
    decoded,
    meet,
    recorded_voices,
    synthetic_voices,
    write,
)

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
FILTERS = ("dynaudnorm", "speechnorm", "loudnorm")
NORMALIZE = "ffmpeg-normalize"
WINDOW = round(0.9 * RATE_HZ)
EDGE = round(0.3 * RATE_HZ)  # what is left of a pause of 1.5 s without its edges is the window
HOP = RATE_HZ // 100
LENGTH_TOLERANCE = RATE_HZ // 20
VOICES_FOLDER, NOISE_FILE = "BENCH_VOICES", "BENCH_NOISE"  # environment: recorded voices and room instead of ours
HEAD = "                                   spread   pauses, inner 0.9 s   any 0.9 s   integrated    true peak"


@dataclass(frozen=True, slots=True, kw_only=True)
class Levelled:
    """How level a meeting left a program. pause_under_db: integrated loudness over the worst pause's RMS."""

    spread_lu: float
    pause_under_db: float
    edge_under_db: float
    integrated_lufs: float
    true_peak_dbtp: float

    def __str__(self) -> str:
        return (
            f"{self.spread_lu:6.2f} LU {self.pause_under_db:15.1f} dB {self.edge_under_db:12.1f} dB"
            f" {self.integrated_lufs:9.2f} LUFS {self.true_peak_dbtp:6.2f} dBTP"
        )


def levelling() -> None:
    """Eight speakers at 0 to -20 dB over a room at -58 dBFS: their spread and the pauses, beside four peers."""
    noise = os.environ.get(NOISE_FILE)
    voices = _voices()
    meeting = meet(voices, noise=decoded(Path(noise)) if noise else None)
    print(f"8 speakers, {len(meeting.stretches)} stretches, {len(meeting.samples) / RATE_HZ:.0f} s of {_origin()}")
    print(HEAD)
    with workspace() as root:
        recording = root / "meeting.wav"
        write(meeting, recording)
        for name, peer in _peers().items():
            target = root / f"{name}.mp3"
            peer(recording, target)
            print(f"{name:32} {judged(meeting, target)}")
        print(f"{'cln-media':32} {judged(meeting, _ours(root, recording))}")
    if not _normalizer():
        print(f"{NORMALIZE} --preset podcast: not measured, as it is not installed (PyPI: {NORMALIZE})")


def judged(meeting: Meeting, file: Path) -> Levelled:
    """Measure an encoded file against the truth of its meeting.

    Args:
        meeting: what was recorded.
        file: what a program made of it, of the same length.

    Returns:
        Levelled: the spread of the speakers' integrated loudness, each over all its own stretches; how far the RMS
        (dBFS) of the loudest middle 0.9 s of a pause, and of the loudest 0.9 s anywhere inside one, lie under the
        integrated loudness (LUFS as played: one channel heard from two speakers).

    Source: ITU-R BS.1770.
    """
    samples = decoded(file)
    if abs(len(samples) - len(meeting.samples)) > LENGTH_TOLERANCE:
        raise SystemExit(f"{file.name} lasts {len(samples)} samples, the meeting {len(meeting.samples)}")
    samples = np.pad(samples, (0, max(0, len(meeting.samples) - len(samples))))
    integrated_lufs, true_peak_dbtp = _ebur128(file)
    speakers = _speakers_lufs(meeting, samples)
    inner = max(_loudest_dbfs(samples[start + EDGE : end - EDGE]) for start, end in meeting.pauses)
    anywhere = max(_loudest_dbfs(samples[start:end]) for start, end in meeting.pauses)
    return Levelled(
        spread_lu=max(speakers) - min(speakers),
        pause_under_db=integrated_lufs - inner,
        edge_under_db=integrated_lufs - anywhere,
        integrated_lufs=integrated_lufs,
        true_peak_dbtp=true_peak_dbtp,
    )


def _voices() -> tuple[Voice, ...]:
    folder = os.environ.get(VOICES_FOLDER)
    return recorded_voices(Path(folder)) if folder else synthetic_voices()


def _origin() -> str:
    voices = os.environ.get(VOICES_FOLDER, "synthesised voices")
    return f"{voices} over {os.environ.get(NOISE_FILE, 'noise')}"


def _speakers_lufs(meeting: Meeting, samples: Samples) -> list[float]:
    meter = pyloudnorm.Meter(RATE_HZ)
    heard: dict[int, list[Samples]] = {}
    for stretch in meeting.stretches:
        heard.setdefault(stretch.speaker, []).append(samples[stretch.start : stretch.end])
    return [float(meter.integrated_loudness(np.concatenate(parts).astype(np.float64))) for parts in heard.values()]


def _loudest_dbfs(samples: Samples) -> float:
    sums = np.concatenate([[0.0], np.cumsum(np.square(samples, dtype=np.float64))])
    powers = (sums[WINDOW:] - sums[:-WINDOW])[::HOP] / WINDOW
    return float(10 * np.log10(powers.max() + 1e-20))


def _ebur128(file: Path) -> tuple[float, float]:
    command = [FFMPEG, "-nostats", "-hide_banner", "-i", str(file), "-af", "ebur128=peak=true:dualmono=true"]
    told = subprocess.run([*command, "-f", "null", "-"], capture_output=True, check=True).stderr.decode()
    summary = told[told.rindex("Summary:") :]
    integrated, peak = (re.search(rf"{name}:\s+(\S+) ", summary) for name in ("I", "Peak"))
    if not integrated or not peak:
        raise SystemExit(f"ffmpeg measured nothing in {file.name}")
    return float(integrated[1]), float(peak[1])


def _peers() -> dict[str, Callable[[Path, Path], None]]:
    peers: dict[str, Callable[[Path, Path], None]] = {"no levelling": _filtered("anull")}
    peers |= {name: _filtered(name) for name in FILTERS}
    if _normalizer():
        peers[f"{NORMALIZE} podcast"] = _normalized
    return peers


def _filtered(name: str) -> Callable[[Path, Path], None]:
    def run(recording: Path, target: Path) -> None:
        command = [FFMPEG, "-v", "error", "-i", str(recording), "-af", name, "-ar", str(RATE_HZ), "-ac", "1"]
        subprocess.run([*command, "-b:a", "96k", str(target)], check=True)

    return run


def _normalizer() -> str | None:
    return shutil.which(NORMALIZE) or shutil.which(NORMALIZE, path=str(Path(sys.executable).parent))


def _normalized(recording: Path, target: Path) -> None:
    command = [_normalizer() or NORMALIZE, str(recording), "--preset", "podcast", "-c:a", "libmp3lame", "-b:a", "96k"]
    environment = {**os.environ, "FFMPEG_PATH": FFMPEG}
    quiet = ["-q", "-ar", str(RATE_HZ), "-o", str(target)]
    subprocess.run([*command, *quiet], check=True, env=environment, stdout=subprocess.DEVNULL)


def _ours(root: Path, recording: Path) -> Path:
    settings = root / "cln_media.toml"
    untrimmed = settings.read_text(encoding="utf-8").replace("\n[audio]\n", "\n[audio]\ntrim = false\n")
    settings.write_text(untrimmed, encoding="utf-8")  # the truth of the meeting counts from its first sample
    measured([*PROGRAM, "ingest", str(recording), "--slug", "meeting"], root)
    measured([*PROGRAM, "build"], root)
    (file,) = (root / ".cache" / "masters").glob("*.mp3")  # a draft's master stays there
    return file
