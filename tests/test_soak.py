"""The longer sweeps: what takes minutes, run by `make soak` before an issue that asks for them is resolved."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from pipeline import audio
from pipeline.model import AudioSettings
from tests import studio
from tests.test_audio import FFMPEG, heard, speech, write
from tools.bench.measuring import PROGRAM, ROOT, measured

pytestmark = pytest.mark.soak


def test_ten_hours_are_mastered_in_little_memory(tmp_path: Path) -> None:
    """A recorder left on for ten hours becomes a master of that length at the target; memory stays under 450 MB."""
    part = write(tmp_path / "part.wav", speech(60.0), "-ar", "16000")
    long = tmp_path / "long.wav"
    subprocess.run([FFMPEG, "-v", "error", "-stream_loop", "599", "-i", part, "-c", "copy", long], check=True)
    script = (
        "import sys; from pathlib import Path; from pipeline import audio; from pipeline.model import AudioSettings; "
        "made = audio.master(((Path(sys.argv[1]),),), Path(sys.argv[2]), AudioSettings(trim=False)); "
        "assert made.duration_ms == 36_000_000, made.duration_ms"
    )
    out = tmp_path / "master.mp3"
    figures = measured([sys.executable, "-c", script, str(long), str(out)], tmp_path)
    assert figures.peak_mb < 450
    assert heard(out)[0] == pytest.approx(-16, abs=0.3)


def test_a_build_killed_at_any_moment_finishes_when_run_again(tmp_path: Path) -> None:
    """Kill -9 at twenty moments of a build: nothing half-written is taken for whole, no encoder runs on."""
    root = studio.workspace(tmp_path / "w", "one")
    recording = write(root / "episodes/one/recording.wav", speech(90.0))
    studio.note_sha256(recording.parent)
    settings = root / "cln_media.toml"
    settings.write_text(settings.read_text() + '\n[audio]\nalternates = ["aac", "opus"]\n', encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for moment_s in np.random.default_rng(1).uniform(0.3, 6.0, 20):
        process = subprocess.Popen(
            [*PROGRAM, "build"], cwd=root, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(moment_s)
        process.send_signal(signal.SIGKILL)
        process.wait()
        time.sleep(0.3)
        running = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
        assert str(root) not in running
    done = subprocess.run([*PROGRAM, "build"], cwd=root, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (sound,) = (root / "site/media").glob("one-*.mp3")
    assert heard(sound)[0] == pytest.approx(-16, abs=0.3)
    assert audio.measure(sound).true_peak_dbtp <= -1
    assert not list((root / ".cache").glob("work-*"))
    assert AudioSettings().bit_rate_kbps * 90 * 125 < sound.stat().st_size
