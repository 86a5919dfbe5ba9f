"""What other coders make of a master's sound: its length, level, peaks and bytes, and what an item says of them."""

import re
import resource
import signal
import subprocess
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Literal

import av
import imageio_ffmpeg
import numpy as np
import pytest
from mutagen.ogg import OggPage
from PIL import Image

from pipeline import tags
from pipeline.audio.graph import Block
from pipeline.audio.renditions import CODINGS, rendering
from pipeline.build import headers
from pipeline.build.items import Press
from pipeline.cache import Cache
from pipeline.errors import AudioError
from pipeline.model import (
    AudioSettings,
    Item,
    Loudness,
    LoudnessTarget,
    Master,
    Picture,
    Rendition,
    Show,
    Soundbite,
    Visibility,
    media_key,
)
from tests import samples, studio

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
BOTH: tuple[Literal["aac", "opus"], ...] = ("aac", "opus")
RATE_HZ = studio.RATE_HZ
CEILING = 10 ** (-2.2 / 20)
LENGTH_S = 8.5


def sound(seconds: float = LENGTH_S, *, channels: int = 1) -> Block:
    """Make sound as loud as a master, its peaks held at -2.2 dBFS."""
    speech = studio.speech_like(seconds, level_dbfs=-17)
    held = CEILING * np.tanh(speech / CEILING)
    return np.repeat(held.astype(np.float32)[None, :], channels, axis=0)


def render(
    folder: Path, heard: Block, *, gain_db: float = 0.0, block: int = RATE_HZ, **changes: object
) -> tuple[Rendition, ...]:
    """Encode sound in blocks; `changes` replace settings."""
    values = {"alternates": BOTH, "channels": len(heard), **changes}
    settings = AudioSettings(**values)  # type: ignore[arg-type]
    with rendering(folder, settings, rate_hz=RATE_HZ, channels=len(heard), gain_db=gain_db) as renderer:
        for start in range(0, heard.shape[1], block):
            renderer.write(heard[:, start : start + block])
        return renderer.finish()


def listen(path: Path) -> tuple[float, float]:
    """Measure integrated loudness as played (LUFS) and true peak (dBTP) with the ffmpeg program's own meter."""
    meter = ("-af", "ebur128=peak=true:dualmono=true", "-f", "null", "-")
    said = subprocess.run([FFMPEG, "-hide_banner", "-i", path, *meter], capture_output=True, text=True, check=True)
    summary = said.stderr.rpartition("Summary:")[2]
    found = [re.search(pattern, summary) for pattern in (r"I: +(\S+) LUFS", r"Peak: +(\S+) dBFS")]
    loudness, peak = (float(each[1]) for each in found if each)
    return loudness, peak


def decoded_samples(path: Path) -> int:
    """Count the samples that a player hears, of one channel."""
    command = [FFMPEG, "-v", "error", "-i", path, "-ac", "1", "-f", "s16le", "-"]
    return len(subprocess.run(command, capture_output=True, check=True).stdout) // 2


def output_gain_db(path: Path) -> float:
    """Read the gain that the head of an Opus file asks for."""
    data = path.read_bytes()
    at = data.index(b"OpusHead") + 16
    return int.from_bytes(data[at : at + 2], "little", signed=True) / 256


def processes_naming(folder: Path) -> list[bytes]:
    """List the command lines of running processes that name a folder."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(path.read_bytes())
        except OSError:
            continue  # it has just ended
    return [line for line in lines if str(folder).encode() in line]


@pytest.mark.parametrize("channels", [1, 2])
def test_each_coding_is_what_it_says(tmp_path: Path, channels: int) -> None:
    """The files are AAC-LC and Opus at their bit rates, as long as the sound, named by size, hash and type."""
    heard = sound(channels=channels)
    aac, opus = render(tmp_path, heard)
    assert (aac.codec, aac.codecs, aac.mime, aac.path.suffix) == ("aac", "mp4a.40.2", "audio/mp4", ".m4a")
    assert (opus.codec, opus.codecs, opus.mime, opus.path.suffix) == ("opus", "opus", "audio/ogg", ".opus")
    assert (aac.bit_rate_kbps, opus.bit_rate_kbps) == ((64, 24) if channels == 1 else (112, 40))
    for one in (aac, opus):
        data = one.path.read_bytes()
        assert (one.size, one.sha256) == (len(data), sha256(data).hexdigest())
        assert decoded_samples(one.path) == heard.shape[1]
        assert 0.5 < one.size * 8 / LENGTH_S / (one.bit_rate_kbps * 1000) < 1.7  # noise in bursts is no speech
        with av.open(str(one.path)) as container:
            (stream,) = container.streams
            assert (stream.codec_context.name, stream.codec_context.channels) == (one.codec, channels)
            assert one.codec != "aac" or stream.codec_context.profile == "LC"


def test_the_kind_is_in_the_file_and_nothing_of_the_encoder(tmp_path: Path) -> None:
    """An M4A has its index before the sound and no date; no file names the programs' versions."""
    aac, opus = render(tmp_path, sound(2))
    data = aac.path.read_bytes()
    assert data[4:12] == b"ftypM4A "
    assert data.index(b"moov") < data.index(b"mdat")
    head = data.index(b"mvhd") + 8
    assert data[head : head + 8] == bytes(8)
    for one in (aac, opus):
        assert not re.search(rb"Lavf\d|Lavc\d", one.path.read_bytes())


def test_the_same_sound_gives_the_same_bytes(tmp_path: Path) -> None:
    """Neither the time nor the lengths of the blocks change a file."""
    first = render(tmp_path, sound())
    second = render(tmp_path, sound(), block=12_345)
    assert [one.sha256 for one in first] == [one.sha256 for one in second]
    assert len({one.path for one in (*first, *second)}) == 4


def test_codings_come_in_the_order_asked_for(tmp_path: Path) -> None:
    """The settings choose and order the codings; each once."""
    assert [one.codec for one in render(tmp_path, sound(1), alternates=("opus", "aac", "opus"))] == ["opus", "aac"]
    assert [one.codec for one in render(tmp_path, sound(1), alternates=("opus",))] == ["opus"]


def test_peaks_stay_under_the_target_and_the_level_at_it(tmp_path: Path) -> None:
    """Opus goes above its sound's peaks: the gain in its head brings it to the target; AAC stays as it is."""
    heard = sound()
    target = LoudnessTarget(integrated_lufs=-16.0, true_peak_dbtp=-1.0)
    aac, opus = render(tmp_path, heard, target=target)
    assert listen(aac.path)[1] <= -1.0
    loudness, peak = listen(opus.path)
    assert peak <= -1.0
    assert loudness == pytest.approx(-16, abs=0.1) or peak == pytest.approx(-1.1, abs=0.1)
    wave = tmp_path / "sound.wav"
    studio.write_wav(wave, heard[0])
    assert listen(aac.path)[0] == pytest.approx(listen(wave)[0], abs=0.15)


def test_opus_is_lowered_by_what_it_is_too_high_and_no_more(tmp_path: Path) -> None:
    """With no room for its peaks, the highest ends just under the target, and only the gain differs."""
    low = LoudnessTarget(integrated_lufs=-10.0, true_peak_dbtp=-6.0)
    (plain,) = render(tmp_path, sound(), alternates=("opus",))
    (lowered,) = render(tmp_path, sound(), alternates=("opus",), target=low)
    assert -6.2 < listen(lowered.path)[1] <= -6.0
    assert output_gain_db(lowered.path) < min(-3.0, output_gain_db(plain.path))
    (first, second) = (one.path.read_bytes().partition(b"OpusTags") for one in (plain, lowered))
    assert first[1:] == second[1:]
    with lowered.path.open("rb") as file:
        page = OggPage(file)
    assert lowered.path.read_bytes().startswith(page.write())  # whose checksum is mutagen's


def test_the_gain_for_the_mp3_is_taken_back(tmp_path: Path) -> None:
    """Sound that was raised for another encoder is lowered before these hear it."""
    (plain,) = render(tmp_path, sound(), alternates=("aac",))
    (lowered,) = render(tmp_path, sound(), alternates=("aac",), gain_db=-3.0)
    assert listen(plain.path)[0] - listen(lowered.path)[0] == pytest.approx(3, abs=0.1)


def test_silence_is_left_alone(tmp_path: Path) -> None:
    """Sound without a loudness has no gain to be given."""
    (opus,) = render(tmp_path, np.zeros((1, RATE_HZ), np.float32), alternates=("opus",))
    assert output_gain_db(opus.path) == 0


def test_without_alternates_nothing_is_started(tmp_path: Path) -> None:
    """No program is looked for, and nothing is written."""
    assert render(tmp_path, sound(1), alternates=(), ffmpeg="/nonexistent/ffmpeg") == ()
    assert list(tmp_path.iterdir()) == []


class StoppedError(Exception):
    """What a progress call raises to cancel the work."""


def test_cancelled_work_leaves_nothing(tmp_path: Path) -> None:
    """An exception inside ends the child at once; neither file nor process stays."""

    def cancelled() -> None:
        with rendering(tmp_path, AudioSettings(alternates=BOTH), rate_hz=RATE_HZ, channels=1) as renderer:
            renderer.write(sound(2))
            assert processes_naming(tmp_path)
            raise StoppedError

    with pytest.raises(StoppedError):
        cancelled()
    assert list(tmp_path.iterdir()) == []
    assert processes_naming(tmp_path) == []


def test_work_that_is_not_finished_leaves_nothing(tmp_path: Path) -> None:
    """Files that nobody asked to complete are gone."""
    settings = AudioSettings(alternates=BOTH)
    with rendering(tmp_path, settings, rate_hz=RATE_HZ, channels=1) as renderer:
        renderer.write(sound(2))
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_an_audio_error(tmp_path: Path) -> None:
    """When the system takes no more bytes, the error says so and names the folder, and nothing stays."""
    limits, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        with pytest.raises(AudioError, match="no room") as caught:
            render(tmp_path, sound())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert caught.value.source == tmp_path
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_an_audio_error(tmp_path: Path) -> None:
    """What ffmpeg says of it is passed on."""
    with pytest.raises(AudioError, match="ffmpeg says"):
        render(tmp_path / "gone", sound())


def test_a_missing_program_is_an_audio_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names what was looked for."""
    monkeypatch.setenv("CLN_MEDIA_FFMPEG", str(tmp_path / "ffmpeg"))
    with pytest.raises(AudioError, match="not a program") as caught:
        render(tmp_path, sound())
    assert caught.value.hint


def test_every_coding_has_a_type_on_the_web() -> None:
    """What feeds say of a file is what it is served with."""
    for coding in CODINGS.values():
        key = media_key("choose-and-book", samples.SHA256, coding.extension)
        served = headers.asset(key, sha256=samples.SHA256, size=1)
        assert (served.content_type, served.cache_control) == (coding.mime, headers.IMMUTABLE)


def mastered(folder: Path, length_s: float = 4.0) -> Master:
    """Make a master with its renditions, as mastering leaves them."""
    folder.mkdir(parents=True, exist_ok=True)
    heard, path = sound(length_s), folder / "master.mp3"
    wav = studio.write_wav(folder / "sound.wav", heard[0])
    plain = ("-map_metadata", "-1", "-id3v2_version", "0", "-fflags", "+bitexact", "-flags:a", "+bitexact")
    subprocess.run([FFMPEG, "-v", "error", "-i", wav, "-c:a", "libmp3lame", "-b:a", "96k", *plain, path], check=True)
    data = path.read_bytes()
    return Master(
        path=path,
        sha256=sha256(data).hexdigest(),
        size=len(data),
        duration_ms=round(length_s * 1000),
        loudness=Loudness(integrated_lufs=-16, true_peak_dbtp=-2, range_lu=3, threshold_lufs=-26),
        renditions=render(folder, heard),
    )


def pictures(folder: Path, show: Show) -> dict[Path, Picture]:
    """Make the artwork of a show."""
    path = folder / "artwork.png"
    Image.new("RGB", (1400, 1400), (0, 48, 135)).save(path)
    alt, digest = show.artwork_alt, sha256(path.read_bytes()).hexdigest()
    return {show.artwork: Picture(path=path, sha256=digest, mime="image/png", width=1400, height=1400, alt=alt)}


BITES = (
    Soundbite(start_ms=500, duration_ms=2_000, title="Start small"),
    Soundbite(start_ms=2_000, duration_ms=30_000),
    Soundbite(start_ms=3_500, duration_ms=15_000, title="Half a second is left of it"),
)


def pressed(folder: Path, master: Master, **changes: object) -> tuple[Item, dict[str, Path]]:
    """Make the item of an episode with soundbites, and what must be in the site for it."""
    show = samples.show(feeds=())
    chapters = samples.episode().chapters[:1]
    episode = samples.episode(**{"soundbites": BITES, "chapters": chapters, **changes})
    cache = Cache(folder / "cache")
    with Press(cache, show, pictures(folder, show)) as press:
        item = press.item(episode, master)
    cache.close()
    return item, press.files


@pytest.fixture(scope="module")
def item_and_files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Master, Item, dict[str, Path]]:
    """Press an item once; its folder, its master, itself and its files."""
    folder = tmp_path_factory.mktemp("pressed")
    master = mastered(folder / "masters")
    return folder, master, *pressed(folder, master)


def test_an_item_has_its_alternates_tagged(item_and_files: tuple[Path, Master, Item, dict[str, Path]]) -> None:
    """Each alternate is a file of the site under its hash, with the episode's own tags, chapters and cover."""
    _, master, item, files = item_and_files
    assert [one.title for one in item.alternates] == ["M4A, 64 kbit/s", "Opus, 24 kbit/s"]
    assert [one.codecs for one in item.alternates] == ["mp4a.40.2", "opus"]
    for one, rendition in zip(item.alternates, master.renditions, strict=True):
        named = one.enclosure
        data = files[named.key].read_bytes()
        assert named.key == media_key("choose-and-book", sha256(data).hexdigest(), rendition.path.suffix[1:])
        assert (named.length, named.sha256) == (len(data), sha256(data).hexdigest())
        assert (named.url, named.mime) == (samples.SITE_URL + named.key, rendition.mime)
        assert named.duration_ms == item.enclosure.duration_ms == 4_000
        said = tags.read(files[named.key])
        assert (said.title, said.guid) == (item.episode.title, item.episode.guid)
        assert [chapter.title for chapter in said.chapters] == ["Welcome"]


def test_an_item_has_a_clip_of_each_soundbite(item_and_files: tuple[Path, Master, Item, dict[str, Path]]) -> None:
    """A soundbite becomes an MP3 that is named after itself, as long as there is sound; one cut to nothing does not."""
    _, _, item, files = item_and_files
    assert [clip.bite for clip in item.clips] == list(BITES[:2])
    assert [clip.enclosure.duration_ms for clip in item.clips] == [2_000, 2_000]
    for clip, title in zip(item.clips, ("Start small", item.episode.title), strict=True):
        path = files[clip.enclosure.key]
        assert re.fullmatch(r"media/choose-and-book-clip-[0-9a-f]{16}\.mp3", clip.enclosure.key)
        assert (clip.enclosure.mime, clip.enclosure.length) == ("audio/mpeg", path.stat().st_size)
        said = tags.read(path)
        assert (said.title, said.album, said.guid, said.chapters) == (title, "Learning sets", None, ())
        assert said.duration_ms == clip.enclosure.duration_ms


def test_a_second_press_makes_nothing_again(item_and_files: tuple[Path, Master, Item, dict[str, Path]]) -> None:
    """All of it comes from the cache; another title tags again, and only what carries it gets another key."""
    folder, master, item, files = item_and_files
    before = {path: path.stat().st_mtime_ns for path in (folder / "cache").rglob("*.*") if path.suffix != ".json"}
    again, same = pressed(folder, master)
    assert (again, same) == (item, files)
    after = {path: path.stat().st_mtime_ns for path in (folder / "cache").rglob("*.*") if path.suffix != ".json"}
    assert after == before
    renamed, _ = pressed(folder, master, title="Another")
    assert not {one.enclosure.key for one in renamed.alternates} & {one.enclosure.key for one in item.alternates}
    assert renamed.clips[0] == item.clips[0]
    assert renamed.clips[1] != item.clips[1]


def test_an_item_without_renditions_has_no_alternates(
    item_and_files: tuple[Path, Master, Item, dict[str, Path]],
) -> None:
    """Where the settings name no other coding and there are no soundbites, the MP3 stands alone."""
    folder, master, item, _ = item_and_files
    plain, files = pressed(folder, replace(master, renditions=()), soundbites=())
    assert (plain.alternates, plain.clips, plain.enclosure) == ((), (), item.enclosure)
    assert [key for key in files if key.startswith("media/")] == [item.enclosure.key]


def test_an_episode_for_members_is_tagged_without_its_page(
    item_and_files: tuple[Path, Master, Item, dict[str, Path]],
) -> None:
    """Alternates and clips of an episode for members name the home page, as the MP3 does."""
    folder, master, _, _ = item_and_files
    item, files = pressed(folder, master, visibility=Visibility.MEMBERS)
    named = [one.enclosure for one in (*item.alternates, *item.clips)]
    assert {tags.read(files[one.key]).page_url for one in named} == {samples.SITE_URL}
