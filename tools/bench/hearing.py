"""Transcripts: word errors, time and word times beside faster-whisper run by hand; an hour, killed and gone on with.

Readings: Debian's pocketsphinx-testdata where it is installed, one of Debian's flite voices, and every NAME.flac or
NAME.wav of a folder that is given which has its words beside it in NAME.txt (and, as NAME.json, the times of its
sentences). The model is the small real one that the tests use.
"""

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import wave
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray

from pipeline import audio, speech
from pipeline.model import HeardWord
from tests import studio
from tools.bench.measuring import ROOT, measured

Samples = NDArray[np.float32]

TESTDATA = Path("/usr/share/pocketsphinx/test/data")
MOST_TIME_RATIO, MOST_OFF_S, MOST_MB = 1.05, 0.2, 1_200
RUNS = 3
HOUR_S = 3_600
SENTENCES = (
    "Welcome to the learning set of this month.",
    "Patients wait for a very long time before anybody tells them what happens next.",
    "The clinic changed the letter, and fewer appointments were missed.",
    "We asked the general practitioners what they need from the hospital.",
    "Everybody agreed to meet again in the spring.",
)
BY_HAND = """
import sys, time, json, numpy as np
from faster_whisper import WhisperModel
model = WhisperModel(sys.argv[1], device="cpu", compute_type="int8", cpu_threads=int(sys.argv[2]))
model.transcribe(np.zeros(16000, dtype=np.float32), language="en", word_timestamps=True)
found = []
for path in sys.argv[3:]:
    start, cpu = time.perf_counter(), time.process_time()
    segments = list(model.transcribe(np.load(path), language="en", word_timestamps=True)[0])
    took = time.perf_counter() - start, time.process_time() - cpu
    words = [[round(w.start * 1000), round(w.end * 1000), w.word] for s in segments for w in s.words]
    found.append({"words": words, "took": took})
print(json.dumps(found))
"""
OURS = """
import sys, time, json, numpy as np
from pipeline import speech
recogniser = speech.Recogniser(sys.argv[1], language="en")
recogniser.hear(np.zeros(16000, dtype=np.float32))
found = []
for path in sys.argv[3:]:
    start, cpu = time.perf_counter(), time.process_time()
    heard = speech.doubted(recogniser.hear(np.load(path)))
    found.append({"words": heard, "took": (time.perf_counter() - start, time.process_time() - cpu)})
print(json.dumps(found))
"""


DRAFT = """
import sys
from contextlib import closing
from pathlib import Path
from pipeline import workspace
from pipeline.build import transcribing
from pipeline.build.survey import READERS
from pipeline.cache import Cache
from pipeline.cli.screen import Screen
where = workspace.Workspace(root=Path(sys.argv[1]))
show, _ = workspace.read_show(where)
episode, _ = workspace.read_episode(where, show, READERS, where.episodes / "long")
with closing(Cache(where.cache)) as cache:
    assert transcribing.draft(cache, show, episode, Screen().report())
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A sound whose words are known. sentences: start and end in seconds, and words, where those are known too."""

    name: str
    samples: Samples
    said: str
    sentences: tuple[tuple[float, float, str], ...] = ()


def hearing(folder: Path | None = None) -> None:
    """Compare us with faster-whisper run by hand, then let an hour be heard, killed, and gone on with."""
    readings = list(_readings(folder))
    with tempfile.TemporaryDirectory(prefix="cln-media-bench-") as scratch:
        place = Path(scratch)
        _compare(readings, place)
        _hour(readings, place / "hour")


def _readings(folder: Path | None) -> Iterator[Reading]:
    yield _spoken()
    yield from _austen() if TESTDATA.is_dir() else ()
    for text in sorted(folder.glob("*.txt")) if folder else ():
        sound = next((path for path in (text.with_suffix(".flac"), text.with_suffix(".wav")) if path.is_file()), None)
        times = text.with_suffix(".json")
        if sound:
            rows = json.loads(times.read_text()) if times.is_file() else []
            sentences = tuple((row["start"], row["end"], row["text"]) for row in rows)
            yield Reading(name=text.stem, samples=_sound(sound), said=text.read_text(), sentences=sentences)


def _austen() -> Iterator[Reading]:
    for line in (TESTDATA / "librivox/transcription").read_text().splitlines():
        found = re.fullmatch(r"(.*)\((\S+)\)\s*", re.sub(r"</?s>", "", line))
        if found:
            sound = _sound(TESTDATA / f"librivox/{found[2]}.wav")
            yield Reading(name=found[2][-4:], samples=sound, said=found[1])


def _spoken() -> Reading:
    """Let flite say sentences with pauses of known lengths between them."""
    random.seed(7)
    parts, sentences, at = list[Samples](), list[tuple[float, float, str]](), 0.0
    with tempfile.TemporaryDirectory() as scratch:
        for sentence in SENTENCES * 4:
            sound = _without_ends(_sound(studio.speak(Path(scratch) / "said.wav", sentence)))
            pause = np.zeros(int(random.choice((0.5, 1.0, 3.0)) * speech.SAMPLE_RATE_HZ), dtype=np.float32)  # noqa: S311
            length_s = len(sound) / speech.SAMPLE_RATE_HZ
            sentences.append((at, at + length_s, sentence))
            parts += [sound, pause]
            at += length_s + len(pause) / speech.SAMPLE_RATE_HZ
    said = " ".join(sentence for _, _, sentence in sentences)
    return Reading(name="flite", samples=np.concatenate(parts), said=said, sentences=tuple(sentences))


def _without_ends(samples: Samples) -> Samples:
    loud = np.flatnonzero(np.abs(samples) > 0.01)
    return samples[loud[0] : loud[-1] + 1]


def _sound(path: Path) -> Samples:
    return audio.stretch((path,), start_ms=0, end_ms=10**9, rate_hz=speech.SAMPLE_RATE_HZ)


def _compare(readings: Sequence[Reading], place: Path) -> None:
    files = [place / f"{number}.npy" for number in range(len(readings))]
    for file, reading in zip(files, readings, strict=True):
        np.save(file, reading.samples)
    # In turns, as other work on the machine comes and goes.
    runs = [(_run(BY_HAND, files), _run(OURS, files)) for _ in range(RUNS)]
    print(f"{'reading':34} {'words':>6} {'by hand: wrong':>15} {'ours: wrong':>12}  word times off, by hand and ours")
    totals = [0, 0, 0]
    for index, reading in enumerate(readings):
        said = plain(reading.said)
        wrong = [errors(said, plain("".join(row[2] for row in run[index]["words"]))) for run in runs[0]]
        off = ["".join(_off(reading, run[index]["words"])) for run in runs[0]]
        totals = [a + b for a, b in zip(totals, [len(said), *wrong], strict=True)]
        print(f"{reading.name:34} {len(said):6} {wrong[0]:15} {wrong[1]:12}  {off[0]}  {off[1]}")
    print(f"{'all':34} {totals[0]:6} {totals[1]:15} {totals[2]:12}   bar: no more than by hand")
    for which, what in enumerate(("wall", "CPU")):
        hand, ours = (median(sum(each["took"][which] for each in run[side]) for run in runs) for side in (0, 1))
        print(f"{what:4} {hand:7.1f} s by hand {ours:7.1f} s ours: {ours / hand:.2f} of it (bar {MOST_TIME_RATIO})")
    again = [run[1][index]["words"] == runs[0][1][index]["words"] for run in runs for index in range(len(readings))]
    print(f"the same words each time: {'yes' if all(again) else 'NO'}")
    _doubts(readings, runs[0][1])


def _run(script: str, files: Sequence[Path]) -> list[dict[str, list[list[object]]]]:
    command = [sys.executable, "-c", script, str(studio.speech_model()), str(_processors()), *map(str, files)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    found: list[dict[str, list[list[object]]]] = json.loads(done.stdout)
    return found


def _processors() -> int:
    return len(os.sched_getaffinity(0))


def _off(reading: Reading, words: Sequence[Sequence[object]]) -> Iterator[str]:
    """Say how far the first words of sentences stand from where the sentences begin, and the last from their ends."""
    if not reading.sentences:
        yield "-"
        return
    starts = [float(str(row[0])) / 1000 for row in words]
    ends = [float(str(row[1])) / 1000 for row in words]
    begun = [min(abs(start - at) for at in starts) for start, _, _ in reading.sentences]
    ended = [min(abs(end - at) for at in ends) for _, end, _ in reading.sentences]
    yield f"start {median(begun):.2f} s end {median(ended):.2f} s"


def _doubts(readings: Sequence[Reading], run: Sequence[dict[str, list[list[object]]]]) -> None:
    right, found, wrong = [0, 0], 0, 0
    for reading, heard in zip(readings, run, strict=True):
        words = [HeardWord(*row) for row in heard["words"]]  # type: ignore[arg-type]
        for word, is_wrong in zip(words, mistaken(reading.said, words), strict=True):
            wrong += is_wrong
            found += is_wrong and bool(word.doubt)
            right[bool(word.doubt)] += not is_wrong
    print(f"of {wrong} words that are wrong {found} are marked; of {sum(right)} that are right {right[1]} are")


def _hour(readings: Sequence[Reading], root: Path) -> None:
    _workspace(readings, root)
    draft = [sys.executable, "-c", DRAFT, str(root)]
    figures = measured(draft, root)
    ratio = HOUR_S / figures.wall_s
    print(f"60 minutes                {figures}: {ratio:.1f} x real time (bar {MOST_MB} MB)")
    whole = (root / "episodes/long/transcript.vtt").read_bytes()
    shutil.rmtree(root / ".cache/heard-pieces")
    shutil.rmtree(root / "episodes/long/drafts")
    (root / "episodes/long/transcript.vtt").unlink()
    process = subprocess.Popen(draft, cwd=root, env=_environment(), stdout=subprocess.DEVNULL)
    _wait(root, random.SystemRandom().randrange(2, 9))
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = _pieces(root)
    figures = measured(draft, root)
    kept = {name: stamp for name, stamp in _pieces(root).items() if name in done} == done
    same = whole == (root / "episodes/long/transcript.vtt").read_bytes()
    print(f"killed after {len(done)} of {len(_pieces(root))} pieces, gone on   {figures}")
    print(f"pieces that were done stay: {'yes' if kept else 'NO'}; the same transcript: {'yes' if same else 'NO'}")


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT)}


def _wait(root: Path, count: int) -> None:
    while len(_pieces(root)) < count:
        time.sleep(0.05)
    time.sleep(random.SystemRandom().random() * 5)


def _pieces(root: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in (root / ".cache").glob("heard-pieces/*.json")}


def _workspace(readings: Sequence[Reading], root: Path) -> None:
    studio.workspace(root, "long")
    folder = root / "episodes/long"
    (folder / "transcript.vtt").unlink()
    (folder / "chapters.toml").unlink()
    _write_hour(readings, folder / "recording.wav")
    studio.note_sha256(folder)
    settings = folder / "episode.toml"
    settings.write_text(settings.read_text().replace(f"published = {studio.PUBLISHED}\n", ""))
    config = root / "cln_media.toml"
    config.write_text(config.read_text() + f'\n[speech]\nmodel = "{studio.speech_model()}"\n')


def _write_hour(readings: Sequence[Reading], path: Path) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(speech.SAMPLE_RATE_HZ)
        left = HOUR_S * speech.SAMPLE_RATE_HZ
        while left:
            for reading in readings:
                samples = (np.clip(reading.samples[:left], -1, 1) * 32_767).astype("<i2")
                file.writeframes(samples.tobytes())
                left -= len(samples)


_SAME = {
    "mister": "mr", "missus": "mrs", "doctor": "dr", "okay": "ok", "ca n't": "can't", "colour": "color",
    "um": "", "uh": "", "mm": "", "hmm": "", "er": "",
}  # fmt: skip


def plain(text: str) -> list[str]:
    """Write words as one would to compare them: small letters, without marks, fillers and forms of the same title."""
    words = re.sub(r"[^a-z0-9' ]", "", re.sub(r"[-\u2013\u2014/\n]", " ", text.lower().replace("\u2019", "'"))).split()
    return [same for word in words if (same := _SAME.get(word.strip("'"), word.strip("'")))]


def errors(said: Sequence[str], heard: Sequence[str]) -> int:
    """Count the words that have to be replaced, left out or put in to get from one to the other."""
    return _table(said, heard)[-1][-1]


def mistaken(said: str, words: Sequence[HeardWord]) -> list[bool]:
    """Say of each heard word whether it is not what was said there."""
    expected, heard, owners = plain(said), list[str](), list[int]()
    for index, word in enumerate(words):
        for text in plain(word.text):
            heard.append(text)
            owners.append(index)
    table, wrong = _table(expected, heard), [False] * len(words)
    row, column = len(expected), len(heard)
    while column:
        if row and table[row][column] == table[row - 1][column - 1] + (expected[row - 1] != heard[column - 1]):
            wrong[owners[column - 1]] |= expected[row - 1] != heard[column - 1]
            row, column = row - 1, column - 1
        elif row and table[row][column] == table[row - 1][column] + 1:
            row -= 1
        else:
            wrong[owners[column - 1]] = True
            column -= 1
    return wrong


def _table(said: Sequence[str], heard: Sequence[str]) -> list[list[int]]:
    table = [list(range(len(heard) + 1))]
    for index, word in enumerate(said, start=1):
        row = [index]
        for column, other in enumerate(heard, start=1):
            row.append(min(table[-1][column] + 1, row[-1] + 1, table[-1][column - 1] + (word != other)))
        table.append(row)
    return table
