"""Mastering measured: an hour and three hours, beside the bare ffmpeg program and ffmpeg-normalize in the same run."""

import shutil
import subprocess
import sys
import wave
from pathlib import Path

import imageio_ffmpeg
import numpy as np

from tools.bench.measuring import PROGRAM, ROOT, Figures, measured, workspace

RATE_HZ = 48_000
SAMPLE = ROOT / "episodes/choose-and-book/recording.opus"
FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
PEER = Path(sys.executable).with_name("ffmpeg-normalize")
CORES = 2
PEER_MINUTES = 10  # it takes the same for each minute: an hour of it would only cost patience


def write_recording(path: Path, minutes: int) -> Path:
    """Write minutes of the sample's speech, over and over, as 16-bit stereo with each channel's own faint hiss."""
    decode = [FFMPEG, "-v", "error", "-i", str(SAMPLE), "-f", "s16le", "-ar", str(RATE_HZ), "-ac", "2", "-"]
    speech = np.frombuffer(subprocess.run(decode, capture_output=True, check=True).stdout, "<i2")
    hiss = np.random.default_rng(1).integers(-8, 9, len(speech), dtype=np.int16)
    heard = np.clip(speech.astype(np.int32) + hiss, -(2**15), 2**15 - 1).astype("<i2")
    left = minutes * 60 * RATE_HZ * 2
    with wave.open(str(path), "wb") as file:
        file.setparams((2, 2, RATE_HZ, 0, "NONE", ""))
        while left > 0:
            file.writeframes(heard[:left].tobytes())
            left -= len(heard)
    return path


def mastering() -> None:
    """Print what 60, 180 and 30 minutes cost, and how that compares."""
    peaks = {minutes: _job(minutes) for minutes in (60, 180, 30)}
    growth = peaks[180] / peaks[30] - 1
    print(
        f"memory: 180 minutes {peaks[180]:.0f} MB, 30 minutes {peaks[30]:.0f} MB: {growth:+.0%}   bar 350 MB and 15 %"
    )


def _job(minutes: int) -> float:
    with workspace() as root:
        measured([*PROGRAM, "build"], root)  # the show's own images are made once, not for each recording
        recording = write_recording(root / "meeting.wav", minutes)
        if minutes == 60:
            peer, bare = _peer(root), _bare(recording)
        ingest = measured([*PROGRAM, "ingest", str(recording), "--slug", "meeting", "--move"], root)
        build = measured([*PROGRAM, "build"], root)
        print(f"{minutes:3} minutes: ingest               {ingest}")
        print(f"             build                {build}")
        if minutes == 60:
            part = build.wall_s / peer.wall_s
            print(f"             ffmpeg-normalize     {peer}   a build takes {part:.3f} of it: bar 0.125")
            limit_s = bare.cpu_s / CORES
            print(
                f"             ffmpeg, encode only  {bare}   {build.wall_s / limit_s:.2f} x its CPU / {CORES}: bar 1.35"
            )
        return build.peak_mb


def _bare(recording: Path) -> Figures:
    out = recording.with_name("bare.mp3")
    figures = measured([FFMPEG, "-v", "error", "-i", str(recording), "-ac", "1", "-b:a", "96k", str(out)], out.parent)
    out.unlink()
    return figures


def _peer(root: Path) -> Figures:
    recording, out = write_recording(root / "peer.wav", PEER_MINUTES), root / "peer.mp3"
    options = ["--preset", "podcast", "-c:a", "libmp3lame", "-b:a", "96k", "-e=-ac 1", "-f", "-q"]
    figures = measured(
        [str(PEER), str(recording), "-o", str(out), *options], root, FFMPEG_PATH=FFMPEG, TQDM_DISABLE="1"
    )
    for path in (recording, out):
        path.unlink()
    times = 60 / PEER_MINUTES
    return Figures(figures.wall_s * times, figures.cpu_s * times, figures.peak_mb)


def nothing_changed() -> None:
    """Print what a build of 20 episodes takes in which nothing has changed."""
    with workspace() as root:
        _twenty(root)
        first = measured([*PROGRAM, "build"], root)
        subprocess.run(["sleep", "3"], check=True)  # hashes are remembered only of files still for two seconds
        measured([*PROGRAM, "build"], root)
        again = sorted((measured([*PROGRAM, "build"], root) for _ in range(3)), key=lambda figures: figures.wall_s)
        print(f"20 episodes: first build     {first}")
        print(f"             nothing changed {again[1]}   bar 0.5 s")


def _twenty(root: Path) -> None:
    for number in range(20):
        copy = shutil.copytree(SAMPLE.parent, root / f"episodes/copy-{number}")
        text = (copy / "episode.toml").read_text(encoding="utf-8")
        text = text.replace("urn:uuid:340a72c9", f"urn:uuid:{number:08d}").replace(
            "number = 1", f"number = {number + 1}"
        )
        (copy / "episode.toml").write_text(text, encoding="utf-8")
