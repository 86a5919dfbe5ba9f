"""Whole recordings of speech go in; masters come out that are edited, levelled, joined and pictured as asked."""

import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

from pipeline import audio
from pipeline.model import PRESETS, AudioSettings, Edit, EditAction, Master
from tests import studio
from tests.test_audio import RATE_HZ, decode, heard, speech, write

WORDS = "We began with one practice, and one shared list of referrals, and we asked who had waited longest."
LONG = (
    "Every learning set begins with a question that somebody brought. The others may only ask further questions, "
    "and the hardest part is to leave out good advice. In March we followed one letter through the building: it lay on "
    "seven desks. Now it goes to one person, on the day it is written, and patients hear within a week. What we "
    "would do again is to measure first, to change one thing at a time, and to tell the neighbours early."
)
PLAIN = AudioSettings(trim=False)


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    """Some seconds of a synthetic voice, (samples, 1)."""
    return decode(studio.speak(tmp_path_factory.mktemp("talk") / "talk.wav", WORDS), 1)


def at_48k(talk: np.ndarray) -> np.ndarray:
    """Bring flite's 16 kHz to 48 kHz by repeating samples: crude, but speech."""
    return np.repeat(talk, 3, axis=0)


def mastered(
    tmp_path: Path,
    *sources: Path,
    settings: AudioSettings = PLAIN,
    edits: tuple[Edit, ...] = (),
    jobs: int | None = None,
) -> Master:
    """Master one recorder's parts."""
    return audio.master((sources,), tmp_path / "master.mp3", settings, edits=edits, jobs=jobs)


def level_db(sound: np.ndarray) -> float:
    """Return the root mean square of a stretch in dBFS."""
    return float(20 * np.log10(np.sqrt(np.mean(np.square(sound))) + 1e-9))


def test_jobs_change_no_byte(tmp_path: Path, talk: np.ndarray) -> None:
    """One job or four, the same bytes, also across the joins of several pieces."""
    source = write(tmp_path / "a.wav", np.tile(at_48k(talk), (1 + int(150 * RATE_HZ / len(at_48k(talk))), 1)))
    made = [mastered(tmp_path, source, jobs=jobs).path.read_bytes() for jobs in (1, 4)]
    assert made[0] == made[1]
    assert len(made[0]) > 150 * 12_000


def test_speakers_far_apart_come_out_alike(tmp_path: Path, talk: np.ndarray) -> None:
    """A voice 15 dB softer than another ends within 1.5 LU of it, and the room between them is not lifted."""
    near, pause = at_48k(talk), np.zeros((int(1.5 * RATE_HZ), 1))
    room = np.random.default_rng(1).standard_normal((3 * len(near) + 3 * len(pause), 1)) * 10 ** (-62 / 20)
    far = near * 10 ** (-15 / 20)
    meeting = np.concatenate([near, pause, far, pause, near, pause]) * 0.5
    made = mastered(tmp_path, write(tmp_path / "a.wav", meeting + room[: len(meeting)]))
    sound = decode(made.path)
    levels = [
        level_db(sound[start : start + len(near)])
        for start in (0, len(near) + len(pause), 2 * (len(near) + len(pause)))
    ]
    assert max(levels) - min(levels) < 1.5
    quiet = slice(len(near) + int(0.4 * RATE_HZ), len(near) + len(pause) - int(0.2 * RATE_HZ))
    assert level_db(sound[quiet]) < min(levels) - 33
    assert made.mastering.gains_db[int(1.5 * len(near) / RATE_HZ) + 2] > made.mastering.gains_db[1] + 10


def test_edits_are_made_in_the_master(tmp_path: Path) -> None:
    """A cut shortens the master to the millisecond, a mute leaves silence, a bleep its tone, and the rest its place."""
    time_s = np.arange(10 * RATE_HZ)[:, None] / RATE_HZ
    tones = np.where(time_s < 6, np.sin(2 * np.pi * 300 * time_s), np.sin(2 * np.pi * 2_500 * time_s)) * 0.1
    edits = (
        Edit(start_ms=1_000, end_ms=2_500, action=EditAction.CUT),
        Edit(start_ms=4_000, end_ms=4_800, action=EditAction.MUTE),
        Edit(start_ms=8_000, end_ms=8_600, action=EditAction.BLEEP),
    )
    made = mastered(tmp_path, write(tmp_path / "a.wav", tones), edits=edits)
    assert made.duration_ms == 8_500
    sound = decode(made.path)[:, 0]
    assert level_db(sound[int(2.55 * RATE_HZ) : int(3.25 * RATE_HZ)]) < -70
    bleep = np.abs(np.fft.rfft(sound[int(6.6 * RATE_HZ) : int(7.0 * RATE_HZ)]))
    assert bleep.argmax() / 0.4 == pytest.approx(1_000, abs=3)
    assert bleep[int(2_500 * 0.4)] < bleep.max() / 1_000
    change = np.abs(np.fft.rfft(sound[int(4.6 * RATE_HZ) : int(5.0 * RATE_HZ)]))
    assert change.argmax() / 0.4 == pytest.approx(2_500, abs=3)
    assert [made.timeline.moved(ms) for ms in (500, 1_700, 2_500, 9_000)] == [500, 1_000, 1_000, 7_500]


def test_a_recording_muted_from_end_to_end_is_silent(tmp_path: Path) -> None:
    """Where edits leave nothing to hear, the master is silence of the same length, not an endless gain."""
    mute = (Edit(start_ms=0, end_ms=6_000, action=EditAction.MUTE),)
    made = mastered(tmp_path, write(tmp_path / "a.wav", speech(6.0)), edits=mute)
    assert made.duration_ms == 6_000
    assert np.abs(decode(made.path)).max() < 1e-4
    assert made.loudness.integrated_lufs == -np.inf


def test_room_at_the_ends_is_trimmed_and_pauses_shortened(tmp_path: Path, talk: np.ndarray) -> None:
    """Half a second of room stays before the first word and one after the last; a long pause keeps what was asked."""
    voice, room = at_48k(talk) * 0.5, np.zeros((6 * RATE_HZ, 1))
    sound = np.concatenate([room, voice, room, voice, room])
    sound += np.random.default_rng(2).standard_normal(sound.shape) * 10 ** (-65 / 20)
    made = mastered(tmp_path, write(tmp_path / "a.wav", sound), settings=AudioSettings(longest_pause_s=2.0))
    expected_ms = (2 * len(voice) / RATE_HZ + 0.5 + 2.0 + 1.0) * 1000
    assert made.duration_ms == pytest.approx(expected_ms, abs=600)
    assert made.timeline.spans[0].start_ms == pytest.approx(5_500, abs=300)


def test_stings_play_before_and_after(tmp_path: Path, talk: np.ndarray) -> None:
    """The intro's tone begins the master, the outro's ends it, the speech starts where the timeline says."""
    time_s = np.arange(4 * RATE_HZ)[:, None] / RATE_HZ
    intro = write(tmp_path / "intro.wav", 0.1 * np.sin(2 * np.pi * 700 * time_s))
    outro = write(tmp_path / "outro.wav", 0.1 * np.sin(2 * np.pi * 3_300 * time_s))
    settings = AudioSettings(intro=intro, outro=outro, sting_overlap_s=1.0, trim=False)
    voice = write(tmp_path / "a.wav", np.tile(at_48k(talk), (3, 1)) * 0.5)
    made = mastered(tmp_path, voice, settings=settings)
    length_ms = round(3 * len(at_48k(talk)) * 1000 / RATE_HZ)
    assert made.timeline.moved(0) == 3_000
    assert made.duration_ms == pytest.approx(length_ms + 6_000, abs=2)
    sound = decode(made.path)[:, 0]
    for start_s, tone_hz in ((1.0, 700), (made.duration_ms / 1000 - 2.0, 3_300)):
        start = int(start_s * RATE_HZ)
        assert np.abs(np.fft.rfft(sound[start : start + RATE_HZ])).argmax() == pytest.approx(tone_hz, abs=1)
    assert heard(made.path)[0] == pytest.approx(-16, abs=0.3)


def test_the_better_of_two_recorders_is_heard(tmp_path: Path) -> None:
    """Of two recorders the one with less noise is taken, on the first one's clock, and the report says which."""
    talk = decode(studio.speak(tmp_path / "talk.wav", LONG), 1)
    voice = np.concatenate([at_48k(talk) * 0.3, np.zeros((2 * RATE_HZ, 1))])
    random = np.random.default_rng(3)
    noisy = write(tmp_path / "far.wav", voice * 0.3 + random.standard_normal(voice.shape) * 10 ** (-52 / 20))
    late = np.concatenate([random.standard_normal((3 * RATE_HZ, 1)) * 1e-4, voice])
    near = write(tmp_path / "near.wav", late + random.standard_normal(late.shape) * 10 ** (-66 / 20))
    settings = AudioSettings(trim=False, denoise="off")
    made = audio.master(((noisy,), (near,)), tmp_path / "both.mp3", settings)
    assert made.duration_ms == pytest.approx(len(voice) * 1000 / RATE_HZ, abs=2)
    assert f"{3:+.2f} s" in made.mastering.recorders[1]
    assert "near.wav: used" in made.mastering.recorders[1]
    sound, clean = decode(made.path)[:, 0], voice[:, 0]
    middle = slice(4 * RATE_HZ, 8 * RATE_HZ)
    spectrum = np.fft.irfft(np.fft.rfft(sound[middle]) * np.conj(np.fft.rfft(clean[middle])))
    lag = int(np.abs(spectrum).argmax())
    assert min(lag, len(spectrum) - lag) < 0.005 * RATE_HZ
    assert level_db(sound[-RATE_HZ : -RATE_HZ // 2]) < -45


def test_a_noisy_room_is_cleaned_by_itself(tmp_path: Path, talk: np.ndarray) -> None:
    """Where noise stands 12 dB under speech, auto lowers it by at least 6 dB; speech keeps its loudness."""
    voice = np.concatenate([np.tile(at_48k(talk), (3, 1)) * 0.3, np.zeros((3 * RATE_HZ, 1))])
    voice += np.random.default_rng(4).standard_normal(voice.shape) * 10 ** ((level_db(voice) - 12) / 20)
    source = write(tmp_path / "a.wav", voice)
    quiet = slice(-2 * RATE_HZ, -RATE_HZ)
    levels = {}
    for denoise in ("off", "auto"):
        made = mastered(tmp_path, source, settings=AudioSettings(trim=False, denoise=denoise))
        levels[denoise] = level_db(decode(made.path)[quiet])
        assert heard(made.path)[0] == pytest.approx(-16, abs=0.3)
        assert heard(made.path)[1] <= -1.0
    assert made.mastering.denoise == "light"
    assert levels["auto"] < levels["off"] - 6


def test_what_cannot_be_mended_is_remarked(tmp_path: Path, talk: np.ndarray) -> None:
    """Clipping, a dead channel and a long silence are said, each with what to do."""
    voice = np.tile(at_48k(talk), (2, 1))
    sound = np.concatenate([np.clip(voice * 20, -1, 1), np.zeros((25 * RATE_HZ, 1)), voice * 0.5])
    made = mastered(tmp_path, write(tmp_path / "a.wav", np.concatenate([sound, np.zeros_like(sound)], axis=1)))
    assert {remark.kind for remark in made.mastering.remarks} == {"clipping", "dead-channel", "silence"}
    assert all(remark.hint for remark in made.mastering.remarks)


@pytest.mark.parametrize("kind", ["noise", "music", "not a number", "a constant"])
def test_odd_sound_ends_in_a_good_master(tmp_path: Path, kind: str) -> None:
    """Noise, music, damaged float samples and an offset are mastered to the target, without a warning of numpy's."""
    time_s = np.arange(6 * RATE_HZ)[:, None] / RATE_HZ
    sound = {
        "noise": np.random.default_rng(5).standard_normal((6 * RATE_HZ, 1)) * 0.05,
        "music": sum(np.sin(2 * np.pi * tone * time_s) * 0.05 for tone in (220, 277, 330, 440)),
        "not a number": speech(6.0),
        "a constant": speech(6.0) * 0.2 + 0.7,
    }[kind]
    if kind == "not a number":
        sound[1_000:1_010], sound[50_000], sound[90_000] = np.nan, np.inf, -np.inf
    made = mastered(tmp_path, write(tmp_path / "a.wav", sound, "-c:a", "pcm_f32le"), settings=AudioSettings())
    assert heard(made.path)[0] == pytest.approx(-16, abs=0.3)
    assert heard(made.path)[1] <= -1.0


def test_a_picture_of_the_sound_is_drawn_from_it(tmp_path: Path) -> None:
    """The waveform is high where the sound is loud and low where it is soft."""
    loudness = np.repeat([0.02, 0.3, 0.02, 0.3], 3 * RATE_HZ)[:, None]
    sound = np.random.default_rng(6).standard_normal((12 * RATE_HZ, 1)) * loudness * 0.3
    made = mastered(
        tmp_path, write(tmp_path / "a.wav", sound), settings=AudioSettings(trim=False, level=False, denoise="off")
    )
    quarters = np.array_split(np.array(made.waveform), 4)
    assert max(made.waveform) == 100
    assert quarters[0].mean() < quarters[1].mean() / 4
    assert quarters[2].mean() < quarters[3].mean() / 4


def test_presets_are_targets(tmp_path: Path) -> None:
    """The broadcast target is met as the podcast one is."""
    made = mastered(
        tmp_path, write(tmp_path / "a.wav", speech(8.0)), settings=AudioSettings(target=PRESETS["broadcast"])
    )
    assert heard(made.path)[0] == pytest.approx(-23, abs=0.3)


WORK = textwrap.dedent(
    """
    import sys
    from concurrent.futures import ThreadPoolExecutor
    from pathlib import Path
    from pipeline import audio
    from pipeline.model import AudioSettings

    def say(part):
        print(part, flush=True)

    audio.master(((Path(sys.argv[1]),),), Path(sys.argv[2]), AudioSettings(alternates=("aac", "opus")), say)
    """
)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_master_leaves_no_process_and_no_half_file(tmp_path: Path, how: signal.Signals) -> None:
    """Ctrl-C ends it at once; after it and after kill -9 no encoder runs on, and there is no master."""
    source = write(tmp_path / "a.wav", speech(20.0))
    long = tmp_path / "long.wav"
    subprocess.run(
        [audio.ffmpeg_program(PLAIN), "-v", "error", "-stream_loop", "60", "-i", source, "-c", "copy", long], check=True
    )
    out = tmp_path / "master.mp3"
    process = subprocess.Popen(
        [sys.executable, "-c", WORK, str(long), str(out)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while float(process.stdout.readline()) < 0.3:
        pass
    start = time.perf_counter()
    process.send_signal(how)
    process.communicate(timeout=20)
    assert time.perf_counter() - start < 5  # what is left to do takes longer
    time.sleep(0.5)
    running = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert str(tmp_path) not in running
    assert not out.exists()
    if how is signal.SIGINT:
        assert sorted(path.name for path in tmp_path.iterdir()) == ["a.wav", "long.wav"]
