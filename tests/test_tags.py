"""What a tagged file says to mutagen, to FFmpeg's library and to the ffmpeg program, and what it no longer says."""

import base64
import hashlib
import resource
import signal
import struct
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import av
import imageio_ffmpeg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutagen import flac, id3
from mutagen.apev2 import APEv2
from mutagen.mp4 import MP4
from mutagen.oggopus import OggOpus
from PIL import Image

from pipeline import tags
from pipeline.errors import TagError
from pipeline.model import Chapter, Picture, TagSettings
from pipeline.tags import boxes
from tests import samples

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
PAGE_URL = "https://podcast.cln.example/episodes/choose-and-book/"
DURATION_MS = 90_000
VERSIONS: tuple[Literal["2.3", "2.4"], ...] = ("2.3", "2.4")
PERSONAL = (b"Jane", b"+51.5", b"SM-G991", b"Dictaphone", b"secret")


@pytest.fixture(scope="session")
def master(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Encode an untagged MP3 of 90 seconds."""
    path = tmp_path_factory.mktemp("master") / "master.mp3"
    sound = ("-f", "lavfi", "-i", f"sine=frequency=220:duration={DURATION_MS // 1000}:sample_rate=22050")
    plain = ("-map_metadata", "-1", "-id3v2_version", "0", "-fflags", "+bitexact", "-flags:a", "+bitexact")
    subprocess.run([FFMPEG, "-v", "error", *sound, "-c:a", "libmp3lame", "-b:a", "32k", *plain, path], check=True)
    return path


@pytest.fixture(scope="session")
def cover(tmp_path_factory: pytest.TempPathFactory) -> Picture:
    """Make a small JPEG cover."""
    path = tmp_path_factory.mktemp("cover") / "cover.jpg"
    Image.new("RGB", (60, 60), (0, 94, 184)).save(path)
    return Picture(path=path, sha256="", mime="image/jpeg", width=60, height=60, alt="Two strands")


def made(**changes: object) -> tags.Tags:
    """Gather the tags of the sample episode; `changes` replace its fields."""
    return tags.values(samples.show(), samples.episode(**changes), duration_ms=DURATION_MS, page_url=PAGE_URL)  # type: ignore[arg-type]


def write(master: Path, folder: Path, given_tags: tags.Tags, *, version: Literal["2.3", "2.4"] = "2.4") -> Path:
    """Tag a master without a cover."""
    destination = folder / "tagged.mp3"
    tags.write(master, destination, given_tags, cover=None, settings=TagSettings(id3_version=version))
    return destination


def ffmetadata(path: Path) -> str:
    """Ask the ffmpeg program what a file says of itself."""
    # -copyts, or the program takes the encoder's delay from the chapters' times
    command = [FFMPEG, "-v", "error", "-copyts", "-i", path, "-f", "ffmetadata", "-"]
    run = subprocess.run(command, capture_output=True, check=True)
    return run.stdout.decode()


@pytest.mark.parametrize("version", VERSIONS)
def test_read_gives_back_every_field(master: Path, tmp_path: Path, version: Literal["2.3", "2.4"]) -> None:
    """What is written reads back equal, in both versions of ID3."""
    wanted = made()
    assert tags.read(write(master, tmp_path, wanted, version=version)) == wanted
    assert wanted.title == "Choose & Book: what the pilot taught us"
    assert wanted.language == "eng"
    assert wanted.date == "2026-10-01"
    assert wanted.copyright is not None
    assert wanted.copyright.startswith("2026 Clinical")


@pytest.mark.parametrize("version", VERSIONS)
def test_ffmpeg_reads_fields_and_chapters(master: Path, tmp_path: Path, version: Literal["2.3", "2.4"]) -> None:
    """The ffmpeg program sees title, artist, date and chapters; the last chapter ends with the sound."""
    text = ffmetadata(write(master, tmp_path, made(), version=version))
    assert "title=Choose & Book: what the pilot taught us" in text
    assert "artist=Clinical Leaders Network" in text
    assert "date=2026-10-01" in text or "date=2026" in text
    assert "TIMEBASE=1/1000\nSTART=0\nEND=30500\ntitle=Welcome" in text
    assert "START=30500\nEND=61000\ntitle=The pilot" in text
    assert f"START=61000\nEND={DURATION_MS}\ntitle=What changed" in text


@pytest.mark.parametrize("version", VERSIONS)
def test_a_player_reads_sound_tags_and_cover(
    master: Path, cover: Picture, tmp_path: Path, version: Literal["2.3", "2.4"]
) -> None:
    """FFmpeg's library decodes the sound whole, finds the cover and the album."""
    destination = tmp_path / "tagged.mp3"
    tags.write(master, destination, made(), cover=cover, settings=TagSettings(id3_version=version))
    with av.open(str(destination)) as container:
        assert container.metadata["album"] == "Learning sets"
        assert container.metadata["TLAN" if "TLAN" in container.metadata else "language"] == "eng"
        assert [stream.width for stream in container.streams.video] == [60]
        heard = sum(frame.samples for frame in container.decode(audio=0))
    with av.open(str(master)) as container:
        assert heard == sum(frame.samples for frame in container.decode(audio=0))


@pytest.mark.parametrize("version", VERSIONS)
def test_the_frames_are_those_of_the_standard(
    master: Path, cover: Picture, tmp_path: Path, version: Literal["2.3", "2.4"]
) -> None:
    """The tag has the version asked for, its own date frames, a front cover, an ordered table of contents, no more."""
    destination = tmp_path / "tagged.mp3"
    tags.write(master, destination, made(), cover=cover, settings=TagSettings(id3_version=version))
    raw = id3.ID3(destination, translate=False)
    assert raw.version == (2, int(version[-1]), 0)
    assert ("TYER" in raw, "TDAT" in raw, "TDRC" in raw) == (
        (True, True, False) if version == "2.3" else (False, False, True)
    )
    if version == "2.3":
        assert (str(raw["TYER"]), str(raw["TDAT"])) == ("2026", "0110")
        assert all(frame.encoding != id3.Encoding.UTF8 for frame in raw.values() if hasattr(frame, "encoding"))
        assert all(chapter.sub_frames["TIT2"].encoding == id3.Encoding.UTF16 for chapter in raw.getall("CHAP"))
    (toc,) = raw.getall("CTOC")
    assert toc.flags == id3.CTOCFlags.TOP_LEVEL | id3.CTOCFlags.ORDERED
    assert toc.child_element_ids == ["ch0", "ch1", "ch2"]
    (picture,) = raw.getall("APIC")
    assert (picture.type, picture.mime, picture.desc) == (id3.PictureType.COVER_FRONT, "image/jpeg", "Two strands")
    assert picture.data == cover.path.read_bytes()
    assert raw["CHAP:ch2"].sub_frames["WXXX:"].url == "https://cln.example/choose-and-book"
    assert {"PCST", "WFED", "TGID"} <= set(raw)


def test_the_file_is_the_tag_and_the_sound_and_nothing_else(master: Path, tmp_path: Path) -> None:
    """No padding stands between tag and sound, no flag is set, and the sound is the master's, byte for byte."""
    data = write(master, tmp_path, made()).read_bytes()
    size = sum(byte << shift for byte, shift in zip(data[6:10], (21, 14, 7, 0), strict=True))
    assert data[:6] == b"ID3\x04\x00\x00"
    assert data[10 + size :] == master.read_bytes()
    assert id3.ID3(tmp_path / "tagged.mp3")._padding == 0


def test_same_input_same_bytes(master: Path, cover: Picture, tmp_path: Path) -> None:
    """Two runs give the same file."""
    for name in ("one.mp3", "two.mp3"):
        tags.write(master, tmp_path / name, made(), cover=cover, settings=TagSettings())
    assert (tmp_path / "one.mp3").read_bytes() == (tmp_path / "two.mp3").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.mp3", "two.mp3"]


@pytest.mark.parametrize("version", VERSIONS)
def test_all_languages_of_the_network_survive(master: Path, tmp_path: Path, version: Literal["2.3", "2.4"]) -> None:
    """Letters of any script, and those beyond the first plane, read back as written."""
    title = "Iechyd da i\u2019r d\u0175r \u00b7 \u0635\u062d\u062a \u00b7 \u5065\u5eb7 \U0001fa7a"
    chapters = (Chapter(start_ms=0, title=title),)
    path = write(master, tmp_path, made(title=title, summary=title, chapters=chapters), version=version)
    assert tags.read(path).title == title
    assert title in ffmetadata(path)


def test_hostile_text_is_cleaned() -> None:
    """NUL, control characters, line breaks, half surrogates and direction overrides do not reach a frame."""
    hostile = made(title=" A\x00B\x07\r\nC\ud83d \u202eD\u2028E ", summary="One\r\ntwo\x00\n\n\n\nthree \ud800")
    assert hostile.title == "A B C\ufffd D E"
    assert hostile.comment == "One\ntwo\n\nthree \ufffd"


def test_endless_text_is_capped(master: Path, tmp_path: Path) -> None:
    """A title or summary of 100,000 characters is cut with an ellipsis, and written."""
    endless = made(title="x" * 100_000, summary="y" * 100_000, topics=("z" * 100_000,))
    assert endless.title == "x" * 499 + "\u2026"
    assert endless.comment == "y" * 3_999 + "\u2026"
    assert tags.read(write(master, tmp_path, endless)) == endless


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(
    text=st.text(st.characters(codec=None), max_size=60),
    url=st.text(max_size=40).map(lambda end: f"https://cln.example/{end}"),
    version=st.sampled_from(VERSIONS),
)
def test_any_text_is_written_and_read(
    master: Path, tmp_path: Path, text: str, url: str, version: Literal["2.3", "2.4"]
) -> None:
    """Whatever an episode is called, its file can be tagged and says what `values` promised."""
    wanted = made(title=text, summary=text, topics=(text,), chapters=(Chapter(start_ms=0, title=text, url=url),))
    assert tags.read(write(master, tmp_path, wanted, version=version)) == wanted


def test_only_web_addresses_are_written() -> None:
    """A script or file address is left out; spaces and letters beyond ASCII are written as the web writes them."""
    chapters = (
        Chapter(start_ms=0, title="One", url="javascript:alert(1)"),
        Chapter(start_ms=1, title="Two", url="https://cln.example/caf\u00e9 notes?a=1&b=%20#c"),
    )
    assert [chapter.url for chapter in made(chapters=chapters).chapters] == [
        None,
        "https://cln.example/caf%C3%A9notes?a=1&b=%20#c",
    ]


@pytest.mark.parametrize(
    ("language", "wanted"),
    [("en-GB", "eng"), ("cy", "cym"), ("pa_Guru", "pan"), ("rom", "rom"), ("x-private", "und"), ("", "und")],
)
def test_languages_have_three_letters(language: str, wanted: str) -> None:
    """A BCP 47 language becomes its ISO 639-2 code, or undetermined."""
    show = samples.show(language=language)
    assert tags.values(show, samples.episode(), duration_ms=DURATION_MS, page_url=PAGE_URL).language == wanted


def test_copyright_begins_with_a_year() -> None:
    """The copyright begins with the year of publication, once, without the sign that players add themselves."""
    texts = {"\u00a9 The network": "2026 The network", "2024 The network": "2024 The network"}
    for text, wanted in texts.items():
        show = samples.show(copyright=text)
        assert tags.values(show, samples.episode(), duration_ms=DURATION_MS, page_url=PAGE_URL).copyright == wanted


def test_a_draft_has_no_more_than_it_knows(master: Path, tmp_path: Path) -> None:
    """An episode without dates, number, summary or chapters is tagged without them."""
    bare = made(published=None, recorded_on=None, number=None, season=None, summary=None, topics=(), chapters=())
    assert (bare.date, bare.track, bare.season, bare.comment, bare.keywords, bare.copyright) == (None,) * 6
    path = write(master, tmp_path, bare)
    assert tags.read(path) == bare
    assert "[CHAPTER]" not in ffmetadata(path)


def test_nobody_is_named() -> None:
    """The artist is the network, not a speaker, even one who agreed to be named in the notes."""
    assert made().artist == made().album_artist == "Clinical Leaders Network"


def personal_master(master: Path, path: Path) -> Path:
    """Add to a master all the tags a telephone or dictaphone leaves, at both ends."""
    path.write_bytes(master.read_bytes())
    tag = id3.ID3()
    tag.add(id3.TPE1(encoding=3, text=["Jane"]))
    tag.add(id3.TXXX(encoding=3, desc="location", text=["+51.5-0.1/"]))
    tag.add(id3.PRIV(owner="SM-G991", data=b"secret"))
    tag.add(id3.TSSE(encoding=3, text=["Dictaphone"]))
    tag.add(id3.CHAP(element_id="old", start_time=0, end_time=9, sub_frames=[]))
    tag.save(path, v1=2)
    ape = APEv2()
    ape["Device"] = "Dictaphone"
    ape.save(path)
    lyrics = b"LYRICSBEGINsecret"
    v1 = b"TAG" + b"Jane".ljust(125, b"\0")
    data = path.read_bytes()
    path.write_bytes(data + lyrics + f"{len(lyrics):06}LYRICS200".encode() + b"TAG+" + b"secret".ljust(223, b"\0") + v1)
    return path


def test_the_sources_own_tags_are_dropped(master: Path, tmp_path: Path) -> None:
    """Place, device and person in ID3v2, ID3v1, APE and Lyrics3 tags are gone; the sound is untouched."""
    source = personal_master(master, tmp_path / "source.mp3")
    assert all(word in source.read_bytes() for word in PERSONAL)
    tagged = write(source, tmp_path, made())
    assert not any(word in tagged.read_bytes() for word in PERSONAL)
    assert tagged.read_bytes() == write(master, tmp_path, made()).read_bytes()


@pytest.mark.parametrize("how", ["appended tag", "tag at the end", "Lyrics3 1", "chunk", "behind ID3v1", "in between"])
def test_only_sound_is_copied(master: Path, tmp_path: Path, how: str) -> None:
    """What recorders and editors put behind or between the frames, in whatever form, does not reach the copy."""
    clean, source = master.read_bytes(), tmp_path / "source.mp3"
    tag = b"ID3\x04\x00\x00\x00\x00\x00\x06secret"
    v1 = b"TAG" + b"Jane".ljust(125, b"\0")
    appended = tag[:5] + b"\x10" + tag[6:] + b"3DI" + tag[3:5] + b"\x10" + tag[6:10]
    middle = 104 * (len(clean) // 208)
    while clean[middle : middle + 2] != clean[:2]:
        middle += 1
    source.write_bytes(
        {
            "appended tag": clean + appended,
            "tag at the end": clean + tag,
            "Lyrics3 1": clean + b"LYRICSBEGINsecretLYRICSEND" + v1,
            "chunk": clean + b"LIST\x10\x00\x00\x00INFOIARTDictaphone",
            "behind ID3v1": clean + v1 + bytes(64),
            "in between": clean[:middle] + tag + clean[middle:],
        }[how]
    )
    tagged = write(source, tmp_path, made())
    assert not any(word in tagged.read_bytes() for word in PERSONAL)
    assert tagged.read_bytes() == write(master, tmp_path, made()).read_bytes()


def test_two_leading_tags_are_both_dropped(master: Path, tmp_path: Path) -> None:
    """A second ID3v2 tag behind the first does not survive as if it were sound."""
    source = tmp_path / "source.mp3"
    head = b"ID3\x03\x00\x00\x00\x00\x00\x06secret"
    source.write_bytes(head + head + master.read_bytes())
    tagged = write(source, tmp_path, made())
    assert b"secret" not in tagged.read_bytes()
    assert tagged.read_bytes().endswith(master.read_bytes())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"TAG" + bytes(125),
        b"RIFF" + bytes(4_000),
        b"\xff\xf1" + bytes(4_000),
        b"\xff\xfb" + bytes(4_000),
        b"x" * 4_000 + b"APETAGEX" + struct.pack("<4I", 2_000, 0xFFFFFF, 1, 0) + bytes(8),
        b"ID3\x04\x00\x00\x7f\x7f\x7f\x7f",
    ],
    ids=["empty", "tag only", "wave", "aac", "no frames", "lying APE", "lying ID3"],
)
def test_what_is_not_an_mp3_is_refused(data: bytes, tmp_path: Path) -> None:
    """A file of another kind gives a TagError with the next step, and leaves nothing behind."""
    source = tmp_path / "source.mp3"
    source.write_bytes(data)
    with pytest.raises(TagError, match="not an MP3") as caught:
        write(source, tmp_path, made())
    assert caught.value.source == source
    assert caught.value.hint
    assert [path.name for path in tmp_path.iterdir()] == ["source.mp3"]


def test_a_missing_source_is_a_tag_error(tmp_path: Path) -> None:
    """A source that is not there is named in the error."""
    with pytest.raises(TagError) as caught:
        write(tmp_path / "gone.mp3", tmp_path, made())
    assert str(caught.value.source).endswith("gone.mp3")


def test_a_place_that_cannot_be_written_is_a_tag_error(master: Path, tmp_path: Path) -> None:
    """A destination below a file, or that is a folder, is refused, and no partial file stays."""
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    for destination in (tmp_path / "file" / "tagged.mp3", tmp_path / "folder"):
        with pytest.raises(TagError) as caught:
            tags.write(master, destination, made(), cover=None, settings=TagSettings())
        assert caught.value.hint
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


def test_a_full_disk_is_a_tag_error(master: Path, tmp_path: Path) -> None:
    """When the system takes no more bytes, the old file stays whole and the error says what to do."""
    destination = write(master, tmp_path, made())
    before = destination.read_bytes()
    limits, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        with pytest.raises(TagError) as caught:
            write(master, tmp_path, made(title="Another"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert "disk has room" in str(caught.value.hint)
    assert destination.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["tagged.mp3"]


def test_a_damaged_tag_is_a_tag_error(tmp_path: Path) -> None:
    """A tag that promises more than the file has is an error, not a traceback."""
    path = tmp_path / "damaged.mp3"
    path.write_bytes(b"ID3\x04\x00\x40\x00\x00\x00\x7f\xff")
    with pytest.raises(TagError):
        tags.read(path)


def test_a_file_without_a_tag_says_nothing(master: Path) -> None:
    """An untagged master reads as empty Tags."""
    assert tags.read(master) == tags.Tags()


def test_what_would_not_read_back_is_refused(master: Path, tmp_path: Path) -> None:
    """A genre that ID3 takes for a number of its list is refused by name before it is published."""
    show = samples.show(tags=TagSettings(genre="(17)"))
    wanted = tags.values(show, samples.episode(), duration_ms=DURATION_MS, page_url=PAGE_URL)
    with pytest.raises(TagError, match="genre"):
        write(master, tmp_path, wanted)
    assert list(tmp_path.iterdir()) == []


def test_a_chapter_after_the_end_is_refused() -> None:
    """A chapter that starts after the sound ends is named with both times."""
    with pytest.raises(TagError, match=r"chapter 2 starts at 1:31, after the sound ends \(1:30\)") as caught:
        made(chapters=(Chapter(start_ms=0, title="One"), Chapter(start_ms=91_000, title="Two")))
    assert str(caught.value.source).endswith("chapters.toml")


def test_more_chapters_than_the_standard_allows_are_refused(master: Path, tmp_path: Path) -> None:
    """255 chapters are written and come back in order; 256 are refused."""
    chapters = tuple(Chapter(start_ms=number * 100, title=f"Part {number}") for number in range(256))
    assert tags.read(write(master, tmp_path, made(chapters=chapters[:-1]))).chapters == chapters[:-1]
    with pytest.raises(TagError, match="256 chapters"):
        write(master, tmp_path, made(chapters=chapters))


def test_the_date_is_the_day_of_publication_where_it_is_published() -> None:
    """The date is that of publication in its own time zone, or of the recording where there is none yet."""
    assert made(published=datetime(2026, 12, 31, 23, 30, tzinfo=UTC)).date == "2026-12-31"
    assert made(published=None).date == "2026-09-15"


def test_the_recipe_names_what_changes_the_result() -> None:
    """Another version of ID3 or another genre gives another recipe."""
    recipes = [TagSettings(), TagSettings(id3_version="2.3"), TagSettings(genre="Speech")]
    assert len({tuple(tags.recipe(each).items()) for each in recipes}) == 3
    assert all(isinstance(value, str) for value in tags.recipe(TagSettings()).values())


def test_every_field_has_a_row() -> None:
    """The table names each field of Tags but the chapters, once, with frames that mutagen knows."""
    named = [row.field for row in tags.TAGS]
    assert sorted([*named, "chapters"]) == sorted(tags.Tags.__dataclass_fields__)
    assert all(row.id3 in id3.Frames for row in tags.TAGS)
    for names in ([row.mp4 for row in tags.TAGS], [row.vorbis for row in tags.TAGS]):
        assert len({name for name in names if name}) == len(names) - 1  # the file knows its own length


FORMATS = ("m4a", "opus")
CODINGS = {
    "m4a": ("-c:a", "aac", "-b:a", "32k", "-f", "ipod", "-movflags", "+faststart"),
    "opus": ("-c:a", "libopus", "-b:a", "16k"),
}


@pytest.fixture(scope="session")
def renditions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Encode the sound of the master as M4A and as Opus, with tags that name a person."""
    folder = tmp_path_factory.mktemp("renditions")
    sound = ("-f", "lavfi", "-i", f"sine=frequency=220:duration={DURATION_MS // 1000}:sample_rate=24000")
    person = ("-metadata", "artist=Jane", "-metadata", "location=+51.5-0.1/", "-metadata", "comment=secret")
    plain = ("-fflags", "+bitexact", "-flags:a", "+bitexact")
    paths = {form: folder / f"master.{form}" for form in FORMATS}
    for form, path in paths.items():
        subprocess.run([FFMPEG, "-v", "error", *sound, *person, *CODINGS[form], *plain, path], check=True)
    return paths


def tagged(
    renditions: dict[str, Path], form: str, folder: Path, given_tags: tags.Tags, cover: Picture | None = None
) -> Path:
    """Tag one of the renditions."""
    destination = folder / f"tagged.{form}"
    tags.write(renditions[form], destination, given_tags, cover=cover, settings=TagSettings())
    return destination


def samples_of(path: Path) -> tuple[int, bytes]:
    """Decode a file: how many samples, and their hash."""
    digest, count = hashlib.sha256(), 0
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            digest.update(frame.to_ndarray().tobytes())
            count += frame.samples
    return count, digest.digest()


def without(path: Path, kind: bytes) -> Path:
    """Make a copy of a file in which nobody finds a kind of box."""
    data = path.read_bytes()
    assert data.count(kind) == 1
    copied = path.with_name("without.m4a")
    copied.write_bytes(data.replace(kind, b"free"))
    return copied


@pytest.mark.parametrize("form", FORMATS)
def test_other_codings_give_back_what_they_can_hold(renditions: dict[str, Path], tmp_path: Path, form: str) -> None:
    """Every field but the length reads back; an M4A has no links of chapters, Opus has."""
    wanted = made()
    chapters = wanted.chapters if form == "opus" else tuple(replace(one, url=None) for one in wanted.chapters)
    back = tags.read(tagged(renditions, form, tmp_path, wanted))
    assert back == replace(wanted, duration_ms=None, chapters=chapters)
    assert back.guid == wanted.guid is not None
    assert len(back.chapters) == 3


@pytest.mark.parametrize("form", FORMATS)
def test_other_codings_are_read_by_ffmpeg(
    renditions: dict[str, Path], cover: Picture, tmp_path: Path, form: str
) -> None:
    """The ffmpeg program sees chapters; its library also tags, the cover, and the very samples of the master."""
    path = tagged(renditions, form, tmp_path, made(), cover)
    assert "START=30500\nEND=61000\ntitle=The pilot" in ffmetadata(path)
    assert samples_of(path) == samples_of(renditions[form])
    with av.open(str(path)) as container:
        said = container.metadata | container.streams.audio[0].metadata  # in Ogg they belong to the stream
        assert said["title" if form == "m4a" else "TITLE"] == "Choose & Book: what the pilot taught us"
        assert said["album_artist"] == "Clinical Leaders Network"
        assert said["date" if form == "m4a" else "DATE"] == "2026-10-01"
        assert [chapter["metadata"]["title"] for chapter in container.chapters()] == [
            "Welcome",
            "The pilot",
            "What changed",
        ]
        assert [stream.width for stream in container.streams.video] == [60]


@pytest.mark.parametrize("first_ms", [0, 7_250])
@pytest.mark.parametrize("hidden", [b"chpl", b"tref"])
def test_both_kinds_of_chapters_stand_alone(
    renditions: dict[str, Path], tmp_path: Path, hidden: bytes, first_ms: int
) -> None:
    """A player that knows only the track of texts, or only the list, finds every title at its millisecond."""
    chapters = (
        Chapter(start_ms=first_ms, title="Iechyd da \u00b7 \u5065\u5eb7"),
        Chapter(start_ms=30_123, title="Two"),
        Chapter(start_ms=61_001, title="x" * 300),
    )
    path = without(tagged(renditions, "m4a", tmp_path, made(chapters=chapters)), hidden)
    with av.open(str(path)) as container:
        read = container.chapters()
    titles = ["Iechyd da \u00b7 \u5065\u5eb7", "Two", "x" * (300 if hidden == b"chpl" else 255)]
    assert [chapter["metadata"]["title"] for chapter in read] == titles
    assert [round(chapter["start"] * chapter["time_base"] * 1000) for chapter in read] == [first_ms, 30_123, 61_001]


def test_a_list_of_chapters_is_read_by_mutagen_too(renditions: dict[str, Path], tmp_path: Path) -> None:
    """A reader that is not FFmpeg finds the same chapters, and the mark of a podcast."""
    file = MP4(tagged(renditions, "m4a", tmp_path, made()))
    assert [(chapter.start, chapter.title) for chapter in file.chapters] == [
        (0, "Welcome"),
        (30.5, "The pilot"),
        (61, "What changed"),
    ]
    assert (file.tags["pcst"], file.tags["stik"]) == (True, [21])
    assert (file.tags["trkn"], file.tags["disk"]) == ([(1, 0)], [(2026, 0)])


def test_what_comes_first_in_an_m4a(renditions: dict[str, Path], cover: Picture, tmp_path: Path) -> None:
    """Index, tags and texts stand before the sound, without padding: players that stream it need not look ahead."""
    path = tagged(renditions, "m4a", tmp_path, made(), cover)
    with path.open("rb") as file:
        outer = list(boxes.in_file(file))
    assert [box.kind for box in outer] == [b"ftyp", b"moov", b"mdat", b"mdat"]
    assert b"free" not in path.read_bytes()[: outer[-1].start]
    plain = tagged(renditions, "m4a", tmp_path, made(chapters=()))
    with plain.open("rb") as file:
        assert [box.kind for box in boxes.in_file(file)] == [b"ftyp", b"moov", b"mdat"]
    assert samples_of(plain) == samples_of(renditions["m4a"])


def test_the_cover_of_opus_is_a_front_cover(renditions: dict[str, Path], cover: Picture, tmp_path: Path) -> None:
    """The picture is the file's, with its measure and what it shows; a large one fills several pages."""
    large = tmp_path / "large.png"
    Image.effect_noise((400, 400), 100).save(large)
    for one in (cover, Picture(path=large, sha256="", mime="image/png", width=400, height=400, alt="Noise")):
        file = OggOpus(tagged(renditions, "opus", tmp_path, made(), one))
        block = flac.Picture(base64.b64decode(file.tags["METADATA_BLOCK_PICTURE"][0]))
        assert (block.type, block.mime, block.desc) == (id3.PictureType.COVER_FRONT, one.mime, one.alt)
        assert (block.width, block.data) == (one.width, one.path.read_bytes())
    assert large.stat().st_size > 100_000


@pytest.mark.parametrize("form", FORMATS)
def test_other_codings_drop_what_was_there(
    renditions: dict[str, Path], cover: Picture, tmp_path: Path, form: str
) -> None:
    """A person, a place and the encoder are gone; the same input gives the same bytes, tagged once or twice."""
    assert b"Jane" in renditions[form].read_bytes()
    path = tagged(renditions, form, tmp_path, made(), cover)
    data = path.read_bytes()
    assert not any(word in data for word in (b"Jane", b"+51.5", b"secret", b"Lavf", b"Lavc", b"encoder"))
    assert tagged(renditions, form, tmp_path, made(), cover).read_bytes() == data
    again = tmp_path / f"again.{form}"
    tags.write(path, again, made(), cover=cover, settings=TagSettings())
    assert again.read_bytes() == data
    assert sorted(one.name for one in tmp_path.iterdir()) == [again.name, path.name]


@pytest.mark.parametrize("form", FORMATS)
def test_other_codings_say_nothing_of_themselves(renditions: dict[str, Path], tmp_path: Path, form: str) -> None:
    """A draft's file has no more than it knows, and no chapters."""
    bare = made(published=None, recorded_on=None, number=None, season=None, summary=None, topics=(), chapters=())
    path = tagged(renditions, form, tmp_path, bare)
    assert tags.read(path) == replace(bare, duration_ms=None)
    assert "[CHAPTER]" not in ffmetadata(path)


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(
    text=st.text(st.characters(codec=None), max_size=60),
    url=st.text(max_size=40).map(lambda end: f"https://cln.example/{end}"),
    form=st.sampled_from(FORMATS),
)
def test_any_text_is_written_in_other_codings(
    renditions: dict[str, Path], tmp_path: Path, text: str, url: str, form: str
) -> None:
    """Whatever an episode is called, each of its files can be tagged, and says so."""
    wanted = made(title=text, summary=text, topics=(text,), chapters=(Chapter(start_ms=0, title=text, url=url),))
    back = tags.read(tagged(renditions, form, tmp_path, wanted))
    assert (back.title, back.comment, back.keywords) == (wanted.title, wanted.comment, wanted.keywords)
    assert back.chapters[0].title == wanted.chapters[0].title


@pytest.mark.parametrize("form", FORMATS)
def test_255_chapters_come_back_in_order(renditions: dict[str, Path], tmp_path: Path, form: str) -> None:
    """As many chapters as an MP3 can hold are in the other codings too."""
    chapters = tuple(Chapter(start_ms=number * 100, title=f"Part {number}") for number in range(255))
    path = tagged(renditions, form, tmp_path, made(chapters=chapters))
    assert tags.read(path).chapters == chapters
    assert ffmetadata(path).count("[CHAPTER]") == 255


@pytest.mark.parametrize(
    "data",
    [
        b"OggS" + bytes(40),
        b"\0\0\0\x10ftypM4A \0\0\0\0",
        b"\0\0\0\x10ftypM4A \0\0\0\0\0\0\0\x08moov",
        b"\0\0\0\x10ftypM4A \0\0\0\0\x7f\0\0\x08moov",
        b"\0\0\0\x10ftypM4A \0\0\0\0\0\0\0\x10moov\0\0\0\x02trak",
    ],
    ids=["no page", "no index", "empty index", "lying size", "lying box"],
)
def test_damaged_files_of_other_codings_are_refused(data: bytes, tmp_path: Path) -> None:
    """A file that only begins like an M4A or Opus gives a TagError with the next step, and leaves nothing behind."""
    source = tmp_path / "source.bin"
    source.write_bytes(data)
    with pytest.raises(TagError) as caught:
        write(source, tmp_path, made())
    assert caught.value.hint
    assert [path.name for path in tmp_path.iterdir()] == ["source.bin"]


@pytest.mark.parametrize("form", FORMATS)
def test_a_rendition_cut_short_is_refused(renditions: dict[str, Path], tmp_path: Path, form: str) -> None:
    """Half a file is no file."""
    half = tmp_path / f"half.{form}"
    data = renditions[form].read_bytes()
    half.write_bytes(data[: len(data) // 2])
    with pytest.raises(TagError):
        tags.write(half, tmp_path / "tagged", made(), cover=None, settings=TagSettings())
    assert [path.name for path in tmp_path.iterdir()] == [half.name]


def test_a_number_too_large_for_an_m4a_is_refused(renditions: dict[str, Path], tmp_path: Path) -> None:
    """An atom holds episode numbers up to 65,535; a larger one is an error, not another number."""
    with pytest.raises(TagError):
        tagged(renditions, "m4a", tmp_path, made(number=65_536))
    assert list(tmp_path.iterdir()) == []
