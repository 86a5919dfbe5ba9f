"""Tests of the report: the figures it gives, the page it makes, and the command that shows both."""

import json
import math
import re
import shutil
import time
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from lxml import html
from playwright.sync_api import Browser

from pipeline import cli
from pipeline.errors import TemplateError
from pipeline.model import (
    AudioSettings,
    Chapter,
    Consent,
    Cue,
    Edit,
    EditAction,
    Episode,
    Loudness,
    LoudnessTarget,
    Master,
    Mastering,
    MonoLoudness,
    Remark,
    Span,
    Speaker,
    Timeline,
    Transcript,
)
from pipeline.pages import Report, mastering_report, report_page
from tests import browser as browsing
from tests import markup, samples, studio

HOSTILE = (
    "<script>alert(1)</script>",
    "</title><img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "</style><style>body{display:none}</style>",
    "</text></svg><iframe src=//evil.example>",
    "{{ 7 * 7 }}{% include 'x' %}",
    "invoice \u202egnp.exe",
    "bell \x07 nul \x00 lone \ud800",
    "long" * 500,
)


def cue(start_s: float, end_s: float, speaker: str | None) -> Cue:
    """Make a cue of the recording."""
    return Cue(start_ms=round(start_s * 1000), end_ms=round(end_s * 1000), text="Words.", speaker=speaker)


def episode(*cues: Cue, **changes: object) -> Episode:
    """Make an episode with those cues, without chapters; `changes` replace fields."""
    words = Transcript(language="en-GB", origin="transcript.vtt", cues=cues) if cues else None
    return samples.episode(**{"transcript": words, "chapters": (), **changes})


def master(seconds: int = 100, **changes: object) -> Master:
    """Make a master of a recording in which a near voice and then a far one speak, half each.

    `changes` replace fields of the master, those with an underscore in front fields of its mastering.
    """
    half = seconds // 2
    found: dict[str, object] = {
        "before_lufs": (-30.0,) * half + (-40.0,) * (seconds - half),
        "gains_db": (14.0,) * half + (24.0,) * (seconds - half),
        "speech": (True,) * seconds,
        "integrated_before_lufs": -32.6,
        "peak_before_dbfs": -3.0,
        "range_before_lu": 10.0,
        "floor_before_lufs": -55.0,
        "floor_after_lufs": -60.0,
        "speech_to_noise_db": 25.0,
    }
    found |= {name[1:]: value for name, value in changes.items() if name.startswith("_")}
    values: dict[str, object] = {
        "path": Path("master.mp3"),
        "sha256": samples.SHA256,
        "size": 1,
        "duration_ms": seconds * 1000,
        "loudness": Loudness(integrated_lufs=-16.0, true_peak_dbtp=-1.2, range_lu=4.0, threshold_lufs=-26.0),
        "after_lufs": (-16.0,) * seconds,
        "mastering": Mastering(**found),  # type: ignore[arg-type]
    }
    values |= {name: value for name, value in changes.items() if not name.startswith("_")}
    return Master(**values)  # type: ignore[arg-type]


def bare_master() -> Master:
    """Make a master of which nothing but its loudness is known."""
    return replace(master(), mastering=Mastering(), after_lufs=())


def report(made: Master, of: Episode | None = None, *, recorded_ms: int | None = None, **audio: object) -> Report:
    """Report on a master; `audio` are settings."""
    show = samples.show(audio=AudioSettings(**audio))  # type: ignore[arg-type]
    return mastering_report(show, of or episode(), made, recorded_ms=recorded_ms)


def page(made: Report) -> html.HtmlElement:
    """Render a report and read it as a browser would."""
    return html.document_fromstring(report_page(made).decode())


def words(element: html.HtmlElement) -> str:
    """Return the text of an element, every run of white space one space."""
    return " ".join(element.text_content().split())


def table(root: html.HtmlElement, heading: str) -> list[list[str]]:
    """Return the cells of the table below a heading, by its id."""
    (found,) = root.xpath(f"(//h2[@id='{heading}']/following::table)[1]")
    return [[words(cell) for cell in row.xpath("./th|./td")] for row in found.iter("tr")]


def figures(made: Report) -> dict[str, tuple[str, str]]:
    """Return the figures by their name: before, after."""
    return {row.name: (row.before, row.after) for row in made.figures()}


def test_figures_are_those_of_recording_and_master() -> None:
    """Each figure says what was measured before and after, with its unit, and what was asked for."""
    assert figures(report(master(), recorded_ms=101_000)) == {
        "Length": ("1:41", "1:40"),
        "Loudness": ("-32.6 LUFS", "-16.0 LUFS (target -16.0)"),
        "Peak": ("-3.0 dBFS", "-1.2 dBTP (at most -1.0)"),
        "Loudness range": ("10.0 LU", "4.0 LU"),
        "Noise floor": ("-55.0 LUFS", "-60.0 LUFS"),
        "Speech above noise": ("25.0 dB", "-"),
    }


@pytest.mark.parametrize(("stated_ms", "length"), [(100_400, "1:40"), (36_000_000, "1:40"), (None, "1:40")])
def test_the_measured_length_rules_where_the_header_is_wrong(stated_ms: int | None, length: str) -> None:
    """A header that says ten hours of 100 seconds is not believed."""
    assert figures(report(master(), recorded_ms=stated_ms))["Length"] == (length, "1:40")


def test_no_sound_and_not_known_are_words() -> None:
    """Infinity and NaN are never shown as numbers."""
    odd = {"_integrated_before_lufs": -math.inf, "_floor_before_lufs": math.nan, "_speech_to_noise_db": math.inf}
    made = report(master(**odd))
    assert figures(made)["Loudness"][0] == "no sound"
    assert figures(made)["Speech above noise"][0] == "no noise"
    assert figures(made)["Noise floor"][0] == "not known"
    assert not re.search(r"\b(inf|nan|None)\b", words(page(made)))


def test_how_mono_is_counted_is_said() -> None:
    """The page says whether the loudness is as both speakers play it or as the one channel reads."""
    one = LoudnessTarget(mono_loudness=MonoLoudness.CHANNEL)
    assert "as both speakers play it" in words(page(report(master())))
    assert "as the one channel reads" in words(page(report(master(), target=one)))
    assert "as both speakers play it" in words(page(report(master(), target=one, channels=2)))


def test_each_voice_is_told_how_much_it_was_lifted() -> None:
    """A near voice and a far one have their own loudness before, after, gain and time, over all their cues."""
    of = episode(cue(0, 30, "Chair"), cue(30, 50, "Chair"), cue(50, 95.5, "GP, Greater Manchester"), cue(96, 97, None))
    near, far = report(master(), of).voices
    assert (near.label, near.speech_ms, near.gain_db) == ("Chair", 50_000, 14.0)
    assert (far.label, far.speech_ms, far.gain_db) == ("GP, Greater Manchester", 45_500, 24.0)
    assert near.loudness_lufs.before == pytest.approx(-30)
    assert far.loudness_lufs.before == pytest.approx(-40)
    assert far.loudness_lufs.after == pytest.approx(-16)
    assert report(master(), of).voice_rows()[1][1:] == ("-40.0 LUFS", "-16.0 LUFS", "24.0 dB", "0:45")


def test_a_cue_counts_for_as_long_as_it_lasts() -> None:
    """A cue from one loudness into the other counts each for its part: the power is the mean of both."""
    (voice,) = report(master(), episode(cue(49.5, 50.5, "Chair"))).voices
    assert voice.speech_ms == 1000
    assert voice.gain_db == pytest.approx(19)
    assert voice.loudness_lufs.before == pytest.approx(10 * math.log10((10**-3 + 10**-4) / 2))


def test_pauses_and_what_is_cut_do_not_count() -> None:
    """Where nobody speaks, or the master has nothing, a voice is neither louder nor softer for it."""
    made = master(
        _before_lufs=(-30.0,) * 10 + (-60.0,) * 10 + (-10.0,) * 10,
        _gains_db=(14.0,) * 10 + (0.0,) * 20,
        _speech=(True,) * 10 + (False,) * 10 + (True,) * 10,
        timeline=Timeline(spans=(Span(start_ms=0, end_ms=20_000, master_ms=0),)),
        after_lufs=(-16.0,) * 20,
    )
    (voice,) = report(made, episode(cue(0, 30, "Chair"))).voices
    assert (voice.speech_ms, voice.gain_db) == (10_000, 14.0)
    assert voice.loudness_lufs.before == pytest.approx(-30)


def test_overlapping_cues_of_one_voice_count_once() -> None:
    """A moment that two cues of the same voice name is one moment."""
    (voice,) = report(master(), episode(cue(0, 20, "Chair"), cue(10, 25, "Chair"))).voices
    assert voice.speech_ms == 25_000


def test_names_are_shown_only_with_consent() -> None:
    """A voice is shown by its speaker's label; a name without consent becomes the role, a stranger a number."""
    consent = Consent(scope=("name",), recorded_on=date(2026, 9, 1), reference="X-1")
    of = episode(
        cue(0, 10, "NAMED  person"),
        cue(10, 20, "Hidden Person"),
        cue(20, 30, "Someone Else"),
        cue(30, 40, "Another One"),
        cue(40, 50, "nurse"),
        speakers=(
            Speaker(role="Chair", name="Named Person", consent=consent),
            Speaker(role="Nurse", name="Hidden Person"),
            Speaker(role="Doctor", name="Gone Person", consent=replace(consent, withdrawn_on=date(2026, 9, 2))),
        ),
    )
    made = report(master(), of)
    labels = [voice.label for voice in made.voices]
    assert labels == ["Named Person", "Nurse", "Voice 1 (not in episode.toml)", "Voice 2 (not in episode.toml)"]
    assert made.voices[1].speech_ms == 20_000
    text = report_page(made).decode()
    assert not [name for name in ("Hidden", "Someone", "Another", "Gone") if name in text]


def cut_master() -> Master:
    """Make a master of 100 s with 5 s of intro: both ends trimmed, 10 s cut, a pause shortened by 4 s."""
    spans = (
        Span(start_ms=2_000, end_ms=30_000, master_ms=5_000),
        Span(start_ms=40_000, end_ms=60_000, master_ms=33_000),
        Span(start_ms=64_000, end_ms=97_000, master_ms=53_000),
    )
    return master(
        duration_ms=86_000, timeline=Timeline(spans=spans), after_lufs=tuple(-20.0 - s / 10 for s in range(86))
    )


EDITS = (
    Edit(start_ms=30_000, end_ms=40_000, action=EditAction.CUT),
    Edit(start_ms=50_000, end_ms=51_500, action=EditAction.BLEEP),
    Edit(start_ms=70_000, end_ms=70_050, action=EditAction.MUTE),
)


def test_edits_trimmed_ends_and_shortened_pauses_are_told_apart() -> None:
    """What the episode asked for is an edit; what else is missing is an end or a pause, each with its time."""
    made = report(cut_master(), episode(edits=EDITS), recorded_ms=100_000)
    assert made.time_rows() == (
        ("Cut", "0:30 to 0:40 (10.0 s)"),
        ("Bleeped", "0:50 to 0:51 (1.5 s)"),
        ("Muted", "1:10 to 1:10 (under 0.1 s)"),
        ("Trimmed ends", "0:00 to 0:02 (2.0 s)"),
        ("Trimmed ends", "1:37 to 1:40 (3.0 s)"),
        ("Shortened pauses", "1:00 to 1:04 (4.0 s)"),
    )
    done = dict(made.done)
    assert done["Edits"] == "1 cut (10.0 s), 1 bleeped (1.5 s), 1 muted (under 0.1 s)"
    assert done["Ends"] == "2 trimmed (5.0 s)"
    assert done["Pauses"] == "1 shortened (4.0 s)"


def test_a_cut_at_the_end_is_not_taken_for_a_trimmed_end() -> None:
    """Where a cut reaches into an end, only the rest of it was trimmed."""
    edits = (
        Edit(start_ms=0, end_ms=1_500, action=EditAction.CUT),
        Edit(start_ms=97_000, end_ms=100_000, action=EditAction.CUT),
    )
    made = report(cut_master(), episode(edits=edits), recorded_ms=100_000)
    trimmed = [(stretch.start_ms, stretch.end_ms) for stretch in made.edits if stretch.what == "trimmed"]
    assert trimmed == [(1_500, 2_000)]


def test_loudness_after_stands_on_the_recordings_clock() -> None:
    """Each moment of the recording has the loudness of where it is in the master, and none where it was cut."""
    after = report(cut_master(), recorded_ms=100_000).curves.after_lufs
    assert len(after) == 100
    assert [index for index, level in enumerate(after) if level is None] == [
        *(0, 1),
        *range(30, 40),
        *range(60, 64),
        *(97, 98, 99),
    ]
    assert after[2] == -20 - 5 / 10
    assert after[40] == -20 - 33 / 10
    assert after[96] == -20 - 85 / 10


def test_what_was_done_is_said() -> None:
    """Levelling, noise, hum, rumble, channels, recorders and stings are each a line."""
    made = master(
        _denoise="light",
        _hum_hz=(50, 100, 150),
        _channels="left only: the right is dead",
        _recorders=("a.wav: best", "b.wav"),
    )
    done = dict(report(made, intro=Path("intro.wav"), outro=Path("outro.wav")).done)
    assert done == {
        "Speakers": "levelled: +14.0 to +24.0 dB where somebody speaks",
        "Room noise": "taken out lightly (by at most 12 dB)",
        "Hum": "taken out at 50, 100 and 150 Hz",
        "Rumble": "taken out below 80 Hz",
        "Channels": "left only: the right is dead",
        "Recorders": "a.wav: best; b.wav",
        "Edits": "none",
        "Ends": "left as they were",
        "Pauses": "left as they were",
        "Stings": "intro and outro",
    }
    plain = dict(report(master(_gains_db=(9.0,) * 100), level=False, highpass_hz=0).done)
    assert plain["Speakers"] == "not levelled: +9.0 dB throughout"
    assert (plain["Room noise"], plain["Hum"], plain["Rumble"]) == ("left as it was", "none found", "left as it was")


def test_a_kept_recording_says_that_it_was_not_mastered() -> None:
    """Of an episode with keep_audio only the loudness is known, and there is no chart."""
    made = report(bare_master(), episode(keep_audio=True))
    assert "keep_audio" in made.remark
    assert figures(made)["Loudness"] == ("not known", "-16.0 LUFS (target -16.0)")
    assert "Noise floor" not in figures(made)
    root = page(made)
    assert "published as it is" in words(root)
    assert not root.xpath("//svg | //h2[@id='done'] | //h2[@id='speakers']")


def test_a_master_without_what_was_found_says_how_to_get_it() -> None:
    """Where nothing was kept of the mastering, the report asks to master it again."""
    assert "build --force" in words(page(report(bare_master())))


def test_the_page_tells_what_the_report_knows() -> None:
    """Figures, what was done, voices, warnings and times stand on the page, with true minus signs."""
    of = episode(cue(0, 50, "Chair"), edits=EDITS, chapters=(Chapter(start_ms=61_000, title="What changed"),))
    made = replace(
        cut_master(), mastering=replace(cut_master().mastering, remarks=(REMARK,), silences=((1000, 25_000),))
    )
    root = page(report(made, of, recorded_ms=100_000))
    assert words(root.xpath("//h1")[0]) == "Mastering reportChoose & Book: what the pilot taught us"
    assert ["Noise floor", "\u221255.0 LUFS", "\u221260.0 LUFS"] in [
        [row[0].split(" How")[0], *row[1:]] for row in table(root, "figures")
    ]
    assert table(root, "speakers")[1] == ["Chair", "\u221230.0", "\u221222.2", "14.0", "0:38"]
    for text in ("Warning: the recording is clipped in 3 places.", "Turn it down next time.", "1:01 What changed"):
        assert text in words(root)
    assert words(root.xpath("//h3[.='Nobody speaks']/following::ul[1]")[0]) == "0:01 to 0:25 (24.0 s)"


REMARK = Remark(kind="clipping", message="the recording is clipped in 3 places.", hint="Turn it down next time.")


def points(root: html.HtmlElement, kind: str) -> list[tuple[float, float]]:
    """Read the points of a path."""
    (path,) = root.xpath(f"//svg/svg/path[@class='{kind}']/@d")
    return [(float(x), float(y)) for x, y in re.findall(r"[ML](\S+?) ([\d.]+)", path)]


def test_the_chart_is_drawn_where_the_figures_are() -> None:
    """The recording's step down, the even master and the target stand at their heights on one scale."""
    root = page(report(master()))
    before, after = points(root, "before"), points(root, "after")
    (target,) = root.xpath("//svg/svg/path[@class='target']/@d")
    height_per_lu = (before[-1][1] - before[0][1]) / 10
    assert before[0][0] == 0
    assert before[-1][0] == 1000
    assert height_per_lu > 2
    assert {y for _, y in after} == {float(target.split()[1].split("H")[0])}
    assert before[0][1] - after[0][1] == pytest.approx(14 * height_per_lu, abs=0.2)
    step = [x for x, y in before if y == before[0][1]]
    assert step[-1] == pytest.approx(500, abs=10)


def test_what_was_cut_is_a_gap_in_the_line() -> None:
    """The master's line has a piece for each stretch that is kept."""
    (path,) = page(report(cut_master(), recorded_ms=100_000)).xpath("//svg/svg/path[@class='after']/@d")
    starts = [float(x) for x in re.findall(r"M(\S+) ", path)]
    assert starts == [20, 400, 640]


def test_marks_stand_where_they_are() -> None:
    """Each edit, silence and clipping has a mark at its time, wide enough to be seen."""
    made = master(_clipped=((50_000, 50_001),), _silences=((10_000, 35_000),))
    root = page(report(made, episode(edits=EDITS, chapters=(Chapter(start_ms=75_000, title="Last"),))))
    marks = {mark.get("class"): (mark.get("x"), mark.get("width")) for mark in root.xpath("//rect[@x]")}
    assert marks["mark silence"] == ("10.0%", "25.0%")
    assert marks["mark cut"] == ("30.0%", "10.0%")
    assert marks["mark chapter"][0] == "75.0%"
    assert all(float(width.rstrip("%")) > 0 for _, width in marks.values())
    assert marks["mark clipped"][0] == "50.0%"


@pytest.mark.parametrize("hours", [3, 10])
def test_a_long_master_makes_a_small_page(hours: int) -> None:
    """Three hours and ten hours are drawn with about 1,000 points, in little CPU and under 200 kB."""
    seconds = hours * 3600
    levels = tuple(-30 + 10 * math.sin(second / 50) for second in range(seconds))
    clipped = tuple((start, start + 5) for start in range(0, seconds * 1000, 2000))
    cues = [cue(start, start + 4, f"Voice of {start % 9}") for start in range(0, seconds, 4)]
    made = master(seconds, _before_lufs=levels, _clipped=clipped)
    begun = time.process_time()
    data = report_page(report(made, episode(*cues)))
    assert time.process_time() - begun < 2
    root = html.document_fromstring(data.decode())
    assert 900 < len(points(root, "before")) <= 1002
    assert len(data) < 200_000
    assert 20 <= len(table(root, "loudness")) <= 42
    assert f"and {len(clipped) - 20} more" in words(root)


@pytest.mark.parametrize("seconds", [1, 2, 3])
def test_a_short_master_is_drawn_too(seconds: int) -> None:
    """One value makes a line across the whole chart."""
    root = page(report(master(seconds), episode(cue(0, seconds, "Chair"))))
    assert [points(root, "after")[place][0] for place in (0, -1)] == [0, 1000]
    assert len(table(root, "loudness")) == seconds + 1


@pytest.mark.parametrize(
    "changes",
    [
        {"_before_lufs": (-math.inf,) * 100, "after_lufs": (-math.inf,) * 100},
        {"_before_lufs": (math.nan,) * 100, "_gains_db": (math.nan,) * 100},
        {"_gains_db": ()},
        {"_speech": ()},
        {"_speech": (False,) * 100},
        {"after_lufs": ()},
        {"after_lufs": (-16.0,) * 7},
        {"_before_lufs": (-30.0,) * 7},
        {"_step_ms": 100},
        {"_gains_db": (math.inf, -math.inf) * 50},
        {"timeline": Timeline(spans=(Span(start_ms=0, end_ms=1, master_ms=0),)), "duration_ms": 1},
        {"duration_ms": 0, "_clipped": ((5, 4),), "_silences": ((90_000, 900_000),)},
    ],
    ids=str,
)
def test_odd_values_still_make_a_page(changes: dict[str, object]) -> None:
    """Silence throughout, NaN, missing and uneven curves end in a page without a number that is none."""
    root = page(report(master(**changes), episode(cue(0, 50, "Chair"), cue(500, 400, "Chair"), cue(99, 9_999, "GP"))))
    assert words(root.xpath("//h2[@id='figures']")[0]) == "The figures"
    drawn = " ".join(value for element in root.iter() for value in element.attrib.values())
    assert not re.search(r"\b(inf|nan|None)\b", words(root) + drawn)


def outline(data: bytes) -> list[tuple[str, list[str]]]:
    """List the elements of a page and the names of their attributes."""
    root = html.document_fromstring(data.decode())
    return [(element.tag, sorted(element.attrib)) for element in root.iter(html.etree.Element)]


def hostile_report(text: str) -> Report:
    """Put a text wherever a file can bring one into the report."""
    remark = Remark(kind=text, message=text, hint=text)
    made = master(_remarks=(remark,), _channels=text, _recorders=(text,))
    of = episode(
        cue(0, 50, text),
        title=text,
        language="en-GB",
        speakers=(Speaker(role=text),),
        chapters=(Chapter(start_ms=0, title=text),),
    )
    return report(made, of)


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text)[:30])
def test_hostile_text_ends_harmless(text: str) -> None:
    """Text from titles, speakers, chapters and remarks adds no element, attribute or hidden character."""
    data = report_page(hostile_report(text))
    assert outline(data) == outline(report_page(hostile_report("plain words")))
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00\x07]", data.decode())


def test_the_page_stands_alone() -> None:
    """No script, no handler and no other file: it names no address, and forbids the browser all of them."""
    data = report_page(report(cut_master(), episode(cue(0, 50, "Chair"), edits=EDITS)))
    root = html.document_fromstring(data.decode())
    assert not root.xpath("//script | //link | //img | //iframe | //a | //@src | //@href | //@style")
    assert not [name for element in root.iter() for name in element.attrib if name.startswith("on")]
    (policy,) = root.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'")
    assert not re.search(r"url\(|@import|https?:", data.decode())


def test_the_same_master_gives_the_same_bytes() -> None:
    """Nothing but the episode and its master is in the page."""
    assert report_page(hostile_report("words")) == report_page(hostile_report("words"))


def test_the_template_can_be_replaced(tmp_path: Path) -> None:
    """A report.html.jinja of the workspace replaces ours; a mistake in it names file, line and episode."""
    own = tmp_path / "report.html.jinja"
    own.write_text("<p>{{ report.title }}, {{ figures[1].after }}", encoding="utf-8")
    assert report_page(report(master()), templates=tmp_path).endswith(b"-16.0 LUFS (target -16.0)")
    own.write_text("\n{{ report.titel }}", encoding="utf-8")
    with pytest.raises(TemplateError, match="episode choose-and-book") as caught:
        report_page(report(master()), templates=tmp_path)
    assert caught.value.source == f"{own}:2"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Write pages of all kinds to disk: rich, kept, hostile."""
    folder = tmp_path_factory.mktemp("reports")
    long = " ".join(["Otorhinolaryngological"] * 6)
    speakers = (Speaker(role="Chair"), Speaker(role=long), Speaker(role="O" * 90))
    cues = (cue(0, 20, "Chair"), cue(20, 60, long), cue(60, 90, "O" * 90), cue(90, 95, "Someone"))
    marks = tuple(Chapter(start_ms=start, title=long) for start in range(0, 100_000, 9_000))
    rich = episode(*cues, speakers=speakers, chapters=marks, edits=EDITS, title=long)
    odd = tuple((start, start + 2) for start in range(0, 100_000, 700))
    full = replace(cut_master(), mastering=replace(cut_master().mastering, remarks=(REMARK,) * 3, clipped=odd))
    reports = (
        report(full, rich, recorded_ms=100_000),
        report(bare_master(), episode(keep_audio=True)),
        hostile_report(HOSTILE[1]),
    )
    for number, made in enumerate(reports):
        (folder / f"{number}.html").write_bytes(report_page(made))
    return sorted(folder.glob("*.html"))


def test_the_page_is_valid_html(written: list[Path]) -> None:
    """The Nu HTML checker finds no error."""
    assert markup.errors(written) == ""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 320])
def test_the_page_is_accessible(chromium: Browser, written: list[Path], width: int, scheme: str) -> None:
    """Opened from disk, axe finds nothing with all tables open, nothing scrolls sideways, the console is empty."""
    said: list[str] = []
    # The page forbids all scripts, also the one that looks at it.
    options = {"viewport": {"width": width, "height": 800}, "color_scheme": scheme, "bypass_csp": True}
    with chromium.new_context(**options) as context:  # type: ignore[arg-type]
        tab = context.new_page()
        tab.on("console", lambda message: said.append(message.text))
        for path in written:
            tab.goto(path.as_uri())
            tab.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
            assert browsing.axe(tab) == [], path.name
            assert tab.evaluate("document.documentElement.scrollWidth") <= width, path.name
    assert said == []


class Session:
    """The program in a workspace."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys = folder, capsys
        self.out = self.err = ""

    def __call__(self, *arguments: str) -> int:
        """Run a command; `out` and `err` hold what it printed."""
        self._capsys.readouterr()
        code = cli.run(["-C", str(self.folder), *arguments])
        self.out, self.err = self._capsys.readouterr()
        return code


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a workspace with one episode, once for the module."""
    root = studio.workspace(tmp_path_factory.mktemp("built") / "w", "waiting-times")
    assert cli.run(["-C", str(root), "--quiet", "build"]) == 0
    return root


@pytest.fixture
def session(built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Session:
    """A session in a copy of the built workspace."""
    return Session(studio.copy_workspace(built, tmp_path / "w"), capsys)


@pytest.fixture
def unbuilt(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Session:
    """A session in a workspace where nothing was mastered."""
    return Session(studio.workspace(tmp_path / "w", "waiting-times"), capsys)


def test_the_command_shows_figures_and_writes_the_page(session: Session) -> None:
    """Report prints length, loudness and peak, says where the page is, and the page tells the same."""
    assert session("report", "waiting-times") == 0, session.err
    assert session.out.startswith("About waiting-times (waiting-times)\n")
    (loudness,) = re.findall(r"(?m)^Loudness  +\S.*?(-\d+\.\d LUFS \(target -16\.0\))$", session.out)
    assert re.search(r"(?m)^Peak +.* dBTP \(at most -1\.0\)$", session.out)
    assert session.out.endswith("With charts: episodes/waiting-times/report.html\n")
    path = session.folder / "episodes/waiting-times/report.html"
    root = html.document_fromstring(path.read_text(encoding="utf-8"))
    assert loudness.replace("-", "\u2212") in words(root)


def test_the_command_prints_json(session: Session) -> None:
    """--json prints nothing but JSON, with strict numbers, and where the page is."""

    def refused(constant: str) -> None:
        pytest.fail(f"{constant} is not JSON")

    assert session("report", "waiting-times", "--json") == 0, session.err
    said = json.loads(session.out, parse_constant=refused)
    assert said["slug"] == "waiting-times"
    assert said["page"] == "episodes/waiting-times/report.html"
    assert said["loudness_lufs"]["after"] < -10
    assert said["length_ms"]["before"] == pytest.approx(5000, abs=100)
    assert said["target"]["integrated_lufs"] == -16
    assert "curves" not in said


def test_a_report_in_the_folder_changes_nothing_else(session: Session) -> None:
    """The page is no part of the episode: it is neither a problem nor published, and a build stays as it was."""
    assert session("report", "waiting-times") == 0
    assert session("check") == 0, session.err
    assert "report.html" not in session.out + session.err
    assert session("build") == 0
    assert "0 mastered, 1 from the cache; 0 files written" in session.out
    assert not list((session.folder / "site").rglob("report.html"))


def test_a_report_is_the_same_each_time(session: Session) -> None:
    """Run twice, the command writes the same bytes and says the same."""
    path = session.folder / "episodes/waiting-times/report.html"
    assert session("report", "waiting-times") == 0
    first, said = path.read_bytes(), session.out
    assert session("report", "waiting-times") == 0
    assert (path.read_bytes(), session.out) == (first, said)


def test_without_a_master_the_command_says_to_build(unbuilt: Session) -> None:
    """Before the first build there is one sentence, the next action, exit 1, and no page."""
    assert unbuilt("report", "waiting-times") == 1
    assert unbuilt.err == (
        "Error: episodes/waiting-times: has no master yet.\nHint: Master it first with: cln-media build waiting-times\n"
    )
    assert not (unbuilt.folder / "episodes/waiting-times/report.html").exists()


def test_an_unknown_episode_is_named(unbuilt: Session) -> None:
    """A slug with a typing error is answered with the right one."""
    assert unbuilt("report", "waiting-time") == 1
    assert 'there is no episode "waiting-time"' in unbuilt.err
    assert "waiting-times" in unbuilt.err


def test_an_episode_that_cannot_be_read_says_why(unbuilt: Session) -> None:
    """Where episode.toml is broken, the command says what is wrong with it instead of denying the episode."""
    (unbuilt.folder / "episodes/waiting-times/episode.toml").write_text("guid = 1\n", encoding="utf-8")
    assert unbuilt("report", "waiting-times") == 1
    assert "episodes/waiting-times/episode.toml" in unbuilt.err
    assert "no episode" not in unbuilt.err


def test_broken_settings_are_named(unbuilt: Session) -> None:
    """Where cln_media.toml is broken, the command says so."""
    (unbuilt.folder / "cln_media.toml").write_text("[show]\ntitel = 1\n", encoding="utf-8")
    assert unbuilt("report", "waiting-times") == 1
    assert "cln_media.toml" in unbuilt.err


def test_a_page_that_cannot_be_written_is_an_error(session: Session) -> None:
    """A folder where the page should be is named, and nothing half-written stays."""
    folder = session.folder / "episodes/waiting-times"
    (folder / "report.html").mkdir()
    assert session("report", "waiting-times") == 1
    assert "report.html: cannot be written" in session.err
    assert not list(folder.glob(".new-*"))


def test_a_kept_recording_is_reported_as_it_is(session: Session) -> None:
    """With keep_audio the command says that nothing was mastered, and how loud the file is."""
    folder = session.folder / "episodes/waiting-times"
    (sound,) = (session.folder / "site/media").glob("*.mp3")
    shutil.copy(sound, folder / "recording.mp3")
    (folder / "recording.wav").unlink()
    shutil.copy(folder / "recording.mp3", folder / "recording.wav")
    studio.note_sha256(folder)
    (folder / "recording.wav").unlink()
    text = (folder / "episode.toml").read_text(encoding="utf-8")
    (folder / "episode.toml").write_text("keep_audio = true\n" + text.replace(".wav", ".mp3"), encoding="utf-8")
    assert session("build") == 0, session.err
    assert session("report", "waiting-times") == 0, session.err
    assert "keep_audio in episode.toml" in session.out
    assert re.search(r"(?m)^Loudness +not known +-\d+\.\d LUFS \(target -16\.0\)$", session.out)


def test_quiet_writes_the_page_and_says_nothing(session: Session) -> None:
    """With --quiet only the page is made."""
    assert session("--quiet", "report", "waiting-times") == 0
    assert (session.out, session.err) == ("", "")
    assert (session.folder / "episodes/waiting-times/report.html").is_file()
