"""workspace: settings and episode folders to values and back."""

import os
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from pipeline import model, workspace
from pipeline.build.survey import READERS
from pipeline.errors import MediaError, WorkspaceError
from pipeline.model import (
    Consent,
    Episode,
    EpisodeKind,
    Link,
    Problem,
    Show,
    Soundbite,
    Source,
    Speaker,
    Visibility,
)
from pipeline.workspace import Workspace, keys, toml
from tests import studio


def read(root: Path) -> tuple[Show | None, tuple[Episode, ...], list[str]]:
    """Read a workspace; problems as `source: message`."""
    where = Workspace(root=root)
    show, problems = workspace.read_show(where)
    episodes: tuple[Episode, ...] = ()
    if show is not None:
        episodes, more = workspace.read_episodes(where, show, READERS)
        problems += more
    return show, episodes, [f"{problem.source}: {problem.message}" for problem in problems]


def test_a_new_workspace_can_be_built_as_it_is(tmp_path: Path) -> None:
    """What init writes is valid as it stands, with every default in place; artwork that is not there is drawn."""
    workspace.create(tmp_path / "new")
    assert " = None" not in (tmp_path / "new/cln_media.toml").read_text()
    _, found = workspace.read_show(Workspace(root=tmp_path / "new"))
    assert found == (workspace.NO_ARTWORK,)
    assert not workspace.NO_ARTWORK.fatal
    show, episodes, _ = read(tmp_path / "new")
    assert episodes == ()
    assert show is not None
    assert show.audio.target.integrated_lufs == -16.0
    assert show.storage.url == "file:./public"


def test_create_never_overwrites(tmp_path: Path) -> None:
    """A workspace is made once; files that are there already stay as they are."""
    (tmp_path / ".gitignore").write_text("mine")
    workspace.create(tmp_path)
    assert (tmp_path / ".gitignore").read_text() == "mine"
    with pytest.raises(MediaError, match="is there already"):
        workspace.create(tmp_path)


def test_find_looks_upward(tmp_path: Path) -> None:
    """The nearest folder upward with settings is the workspace; without one, the error says what to do."""
    studio.workspace(tmp_path / "w", "one")
    assert workspace.find(tmp_path / "w/episodes/one").root == tmp_path / "w"
    with pytest.raises(WorkspaceError, match="is not in a workspace") as caught:
        workspace.find(tmp_path)
    assert "cln-media init" in str(caught.value.hint)


def test_an_episode_is_read_with_all_it_has(tmp_path: Path) -> None:
    """Every key and every file of an episode folder arrives in the value."""
    studio.workspace(tmp_path, "waiting-times")
    show, (episode,), problems = read(tmp_path)
    assert problems == []
    assert show is not None
    assert show.region_name("north-west") == "North West"
    assert episode.slug == "waiting-times"
    assert episode.published == datetime(2026, 10, 1, 6, 0, tzinfo=UTC)
    assert [chapter.start_ms for chapter in episode.chapters] == [0, 1500, 3250]
    assert episode.transcript is not None
    assert episode.transcript.cues[1].speaker == "GP, Greater Manchester"
    assert [speaker.role for speaker in episode.speakers] == ["Chair", "GP, Greater Manchester"]
    assert episode.notes == "Three things we learned.\n"


def test_a_time_without_offset_is_local(tmp_path: Path) -> None:
    """A publication time without an offset is read in the show's time zone, summer time included."""
    studio.empty_workspace(tmp_path)
    studio.add_episode(tmp_path, "summer", published="2026-07-01T07:00:00")
    studio.add_episode(tmp_path, "winter", published="2026-12-01T07:00:00", seed=2)
    _, (summer, winter), problems = read(tmp_path)
    assert problems == []
    assert summer.published == datetime(2026, 7, 1, 6, 0, tzinfo=UTC)
    assert winter.published == datetime(2026, 12, 1, 7, 0, tzinfo=UTC)


WRONG_SETTINGS = {
    "a typo in a key": ('[show]\ntitel = "x"', "does not know the key show.titel", "Did you mean title?"),
    "a typo in a section": ("[audoi]\n", "does not know the key audoi", "Did you mean audio?"),
    "a wrong type": ('[audio]\nbit_rate_kbps = "96"', 'audio.bit_rate_kbps is "96"', "without quotes"),
    "true for a number": ("[audio]\nchannels = true", "audio.channels is true", "a whole number"),
    "out of range": ("[audio]\nintegrated_lufs = 3", "audio.integrated_lufs is 3", "The most is -9."),
    "not a choice": ('[audio]\nmono_loudness = "dual"', 'audio.mono_loudness is "dual"', "as-played, channel"),
    "missing": ("[site]\n", "site.url is missing", "Add it"),
    "a section that is a value": ("audio = 3", "audio is not a section", "[audio]"),
    "a list of sections that is one": ("[regions]\nid = 'x'", "regions is not a section", "[[regions]]"),
    "credentials in the endpoint": (
        '[storage]\nendpoint_url = "https://key:secret@s3.example"',
        "storage.endpoint_url is",
        "without user name or password",
    ),
    "not an address": ('[site]\nurl = "podcast.example"', 'site.url is "podcast.example"', "https://"),
    "empty": ('[show]\nauthor = " "', "show.author is empty", "Who makes the show"),
    "not TOML": ("[show]\ntitle = Learning sets", "is not valid TOML", "quotes"),
    "a list of numbers": ("[show]\ncategories = [1]", "show.categories is a list", "a list of texts"),
}


@pytest.mark.parametrize(("text", "message", "hint"), WRONG_SETTINGS.values(), ids=WRONG_SETTINGS.keys())
def test_wrong_settings_are_named(tmp_path: Path, text: str, message: str, hint: str) -> None:
    """Each mistake in cln_media.toml is named with its key and what to write instead."""
    (tmp_path / "cln_media.toml").write_text(text, encoding="utf-8")
    show, problems = workspace.read_show(Workspace(root=tmp_path))
    assert show is None
    matching = [problem for problem in problems if message in problem.message]
    assert matching, problems
    assert hint in matching[0].hint
    assert all(problem.fatal for problem in problems)


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    """All that is wrong with a file comes in one go, not one by one."""
    (tmp_path / "cln_media.toml").write_text('[show]\ntitel = "x"\n[audio]\nchannels = 7\n', encoding="utf-8")
    _, problems = workspace.read_show(Workspace(root=tmp_path))
    messages = " ".join(problem.message for problem in problems)
    assert "show.titel" in messages
    assert "audio.channels is 7" in messages
    assert "has no [site]" in messages


@pytest.mark.parametrize(
    ("data", "message"),
    [(b"\xff\xfe\x00[", "is not a UTF-8 text file"), (b"#" * (toml.MAX_BYTES + 1), "is larger than 1,000,000 bytes")],
    ids=["binary", "huge"],
)
def test_a_file_that_is_no_settings_file(tmp_path: Path, data: bytes, message: str) -> None:
    """A binary or a huge file in the place of settings is refused with a sentence."""
    (tmp_path / "cln_media.toml").write_bytes(data)
    _, problems = workspace.read_show(Workspace(root=tmp_path))
    assert message in problems[0].message


def test_windows_text_is_read(tmp_path: Path) -> None:
    """A file saved by Notepad, with byte order mark and CRLF, reads like any other."""
    studio.workspace(tmp_path, "one")
    for path in (
        tmp_path / "cln_media.toml",
        tmp_path / "episodes/one/episode.toml",
        tmp_path / "episodes/one/notes.md",
    ):
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    _, (episode,), problems = read(tmp_path)
    assert problems == []
    assert episode.notes == "Three things we learned.\n"


def test_a_source_must_be_a_plain_file_name(tmp_path: Path) -> None:
    """A source with a path in it is refused: it could name any file."""
    folder = studio.workspace(tmp_path, "one") / "episodes/one"
    text = (folder / "episode.toml").read_text().replace('"recording.wav"', '"../../secret.wav"')
    (folder / "episode.toml").write_text(text)
    _, episodes, problems = read(tmp_path)
    assert episodes == ()
    assert any("is not a plain file name" in problem for problem in problems)


@pytest.mark.parametrize("name", ["episode.toml", "recording.wav", "notes.md", "transcript.vtt", "chapters.toml"])
def test_a_link_out_of_the_workspace_is_refused(tmp_path: Path, name: str) -> None:
    """A link that leads out of the workspace is never followed, whichever file it stands for."""
    path = studio.workspace(tmp_path / "w", "one") / "episodes/one" / name
    outside = tmp_path / "outside"
    path.rename(outside)
    path.symlink_to(outside)
    _, episodes, problems = read(tmp_path / "w")
    assert episodes == ()
    assert problems == [f"episodes/one/{name}: is a link to a place outside the workspace"]


def test_an_episode_folder_that_is_a_link_out_is_refused(tmp_path: Path) -> None:
    """A whole episode folder cannot be borrowed from elsewhere by a link either."""
    studio.workspace(tmp_path / "elsewhere", "one")
    root = studio.empty_workspace(tmp_path / "w")
    (root / "episodes/one").symlink_to(tmp_path / "elsewhere/episodes/one")
    _, episodes, problems = read(root)
    assert episodes == ()
    assert problems == ["episodes/one/episode.toml: is a link to a place outside the workspace"]


def test_a_link_in_a_circle_is_refused(tmp_path: Path) -> None:
    """A link to itself ends in a sentence."""
    path = studio.workspace(tmp_path, "one") / "episodes/one/notes.md"
    path.unlink()
    path.symlink_to(path)
    assert any(problem.startswith("episodes/one/notes.md: ") for problem in read(tmp_path)[2])


def test_missing_files_are_named(tmp_path: Path) -> None:
    """A recording that is gone, and a folder without episode.toml, are problems of their own."""
    root = studio.workspace(tmp_path, "one")
    (root / "episodes/one/recording.wav").unlink()
    (root / "episodes/stray").mkdir()
    problems = read(root)[2]
    assert "episodes/one/recording.wav: is not there" in problems
    assert "episodes/stray: has no episode.toml" in problems


def test_one_bad_episode_does_not_hide_another(tmp_path: Path) -> None:
    """Every folder is read; the good ones arrive, and the bad ones say why not."""
    root = studio.workspace(tmp_path, "bad", "good")
    (root / "episodes/bad/episode.toml").write_text("title = 3")
    _, episodes, problems = read(root)
    assert [episode.slug for episode in episodes] == ["good"]
    assert any(problem.startswith("episodes/bad/episode.toml: title is 3") for problem in problems)


def test_write_episode_reads_back(tmp_path: Path) -> None:
    """What ingest writes reads back as the same values, whatever the title holds."""
    studio.empty_workspace(tmp_path)
    folder = tmp_path / "episodes/one"
    studio.recording(folder / "recording.wav", 1)
    title = 'Quotes " and \\ and\ttab, é, 日本, \x7f'
    episode = Episode(
        path=folder,
        slug="one",
        guid="urn:uuid:1",
        title=title,
        sources=(Source(path=folder / "recording.wav", sha256="0" * 64),),
        recorded_on=date(2026, 9, 15),
        season=2026,
        number=3,
        region="north-west",
        set_name="Set 4",
    )
    workspace.write_episode(folder, episode)
    _, (found,), problems = read(tmp_path)
    assert problems == []
    assert found == episode
    with pytest.raises(WorkspaceError, match="is there already"):
        workspace.write_episode(folder, episode)


def test_every_value_of_an_episode_is_written(tmp_path: Path) -> None:
    """Whatever an episode has, speakers with their consent included, reads back as the same value."""
    studio.empty_workspace(tmp_path)
    folder = tmp_path / "episodes/one"
    studio.recording(folder / "recording.wav", 1)
    consent = Consent(scope=("voice", "name"), recorded_on=date(2026, 9, 15), reference='File "7"')
    episode = Episode(
        path=folder,
        slug="another-name",
        guid="Episode 12 (2019)",
        title="One",
        sources=(Source(path=folder / "recording.wav", sha256="0" * 64),),
        kind=EpisodeKind.BONUS,
        published=datetime(2021, 1, 5, 7, 30, tzinfo=timezone(timedelta(hours=-5))),
        updated=datetime(2021, 2, 5, 7, 30, tzinfo=UTC),
        topics=("referrals", 'a "b"'),
        visibility=Visibility.MEMBERS,
        explicit=True,
        language="cy",
        summary="What we learned.",
        machine_drafted=("transcript",),
        speakers=(Speaker(role="Chair"), Speaker(role="GP", name="A name", organisation="A trust", consent=consent)),
        links=(Link(title="A page", url="https://cln.example/"),),
        soundbites=(Soundbite(start_ms=1_250, duration_ms=15_000, title="Listen"),),
    )
    workspace.write_episode(folder, episode, comments=("Two words.", "x" * 300 + "\nguid = 3"))
    assert (folder / "episode.toml").read_text().startswith("# Two words.\n# x")
    _, (found,), problems = read(tmp_path)
    assert problems == []
    assert found == episode
    assert found.published is not None
    assert found.published.isoformat() == "2021-01-05T07:30:00-05:00"


def test_what_the_recording_says_is_a_comment(tmp_path: Path) -> None:
    """The recorder's own description is offered as a comment, and cannot break out of it."""
    studio.empty_workspace(tmp_path)
    folder = tmp_path / "episodes/one"
    studio.recording(folder / "recording.wav", 1)
    source = Source(path=folder / "recording.wav", sha256="0" * 64)
    episode = Episode(path=folder, slug="one", guid="g", title="t", sources=(source,))
    workspace.write_episode(folder, episode, remark='Scene 4\nguid = "stolen"\u2028title = "x"\x00' + " word" * 60)
    text = (folder / "episode.toml").read_text()
    assert text.startswith("# The recording says of itself: Scene 4 guid = ")
    _, (found,), problems = read(tmp_path)
    assert problems == []
    assert found.guid == "g"


def test_commented_keys_are_valid_when_uncommented(tmp_path: Path) -> None:
    """The keys that ingest leaves as comments can be used as they stand, but for the summary to be written."""
    studio.empty_workspace(tmp_path)
    folder = tmp_path / "episodes/one"
    studio.recording(folder / "recording.wav", 1)
    source = Source(path=folder / "recording.wav", sha256="0" * 64)
    workspace.write_episode(folder, Episode(path=folder, slug="one", guid="g", title="t", sources=(source,)))
    text = (folder / "episode.toml").read_text()
    for key in ("published", "topics", "kind", "visibility"):
        text = text.replace(f"# {key} =", f"{key} =")
    (folder / "episode.toml").write_text(text)
    _, (episode,), problems = read(tmp_path)
    assert problems == []
    assert episode.topics == ("referrals",)


@pytest.mark.skipif(os.name == "nt", reason="rights are other things on Windows")
def test_a_folder_without_rights(tmp_path: Path) -> None:
    """A folder that may not be read ends in a sentence naming it (as root, rights do not bite: a child drops them)."""
    root = studio.workspace(tmp_path, "one")
    (root / "episodes/one").chmod(0)
    child = os.fork() if os.geteuid() == 0 else -1
    if child == 0:
        os._exit(_read_as_nobody(root))
    try:
        if child > 0:
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        else:
            assert any("cannot be read" in problem for problem in read(root)[2])
    finally:
        (root / "episodes/one").chmod(0o755)


def _read_as_nobody(root: Path) -> int:
    for folder in (root, *root.parents[:3]):
        folder.chmod(0o755)
    os.setgid(65534)
    os.setuid(65534)
    problems = read(root)[2]
    return 0 if any("episodes/one" in problem and "cannot be read" in problem for problem in problems) else 1


def test_the_reference_shows_limits_and_defaults() -> None:
    """The reference table of a section says type, limits and default of each key."""
    text = keys.reference("cln_media.toml", keys.SHOW_SECTIONS)
    assert "| `sting_overlap_s` | number, 0 to 10 | `2.0` |" in text
    assert "| `title` | text, at most 255 characters | **required** |" in text


def test_a_suggestion_is_made_only_when_near() -> None:
    """A near name is suggested; otherwise all names are listed."""
    assert toml.suggestion("titel", ["title", "author"]) == "Did you mean title?"
    assert toml.suggestion("xyz", ["title", "author"]) == "It may hold: author, title."


def test_problems_are_values() -> None:
    """A problem carries source, message, hint and whether it is fatal."""
    assert Problem(source="a", message="b", hint="c").fatal


def test_edits_are_read_in_the_times_people_write(tmp_path: Path) -> None:
    """A time is a clock time or a number of seconds; edits come back in order; a second recorder keeps its number."""
    root = studio.workspace(tmp_path, "one")
    path = root / "episodes/one/episode.toml"
    text = path.read_text(encoding="utf-8")
    text += '\n[[edits]]\nstart = "1:02:03.5"\nend = "1:02:04"\naction = "bleep"\n'
    text += '\n[[edits]]\nstart = 1.5\nend = "0:02.25"\naction = "cut"\n'
    text += '\n[[edits]]\nstart = 00:00:03\nend = 4\naction = "mute"\n'
    path.write_text(text, encoding="utf-8")
    _, (episode,), problems = read(root)
    assert problems == []
    assert [(edit.start_ms, edit.end_ms, str(edit.action)) for edit in episode.edits] == [
        (1_500, 2_250, "cut"),
        (3_000, 4_000, "mute"),
        (3_723_500, 3_724_000, "bleep"),
    ]
    assert [source.recorder for source in episode.sources] == [1]


@pytest.mark.parametrize("start", ['"1:75"', '"soon"', "-1", "true", '"1:2:3:4"', "400_000"])
def test_a_time_that_is_none_is_refused(tmp_path: Path, start: str) -> None:
    """A start that is no time within a recording gets its sentence."""
    root = studio.workspace(tmp_path, "one")
    path = root / "episodes/one/episode.toml"
    edit = f'\n[[edits]]\nstart = {start}\nend = 4\naction = "cut"\n'
    path.write_text(path.read_text(encoding="utf-8") + edit, encoding="utf-8")
    _, episodes, problems = read(root)
    assert episodes == ()
    assert problems[0].startswith("episodes/one/episode.toml: edits 1: start is ")


def test_a_preset_is_a_target_and_single_keys_go_before_it(tmp_path: Path) -> None:
    """Broadcast is EBU R 128; a key of its own changes that part alone; stings stand beside the settings."""
    root = studio.workspace(tmp_path, "one")
    settings = root / "cln_media.toml"
    audio = '\n[audio]\npreset = "broadcast"\ntrue_peak_dbtp = -3.0\nintro = "intro.wav"\nalternates = ["opus"]\n'
    settings.write_text(settings.read_text(encoding="utf-8") + audio, encoding="utf-8")
    show, _, problems = read(root)
    assert problems == []
    assert show is not None
    assert (show.audio.target.integrated_lufs, show.audio.target.true_peak_dbtp) == (-23.0, -3.0)
    assert (show.audio.intro, show.audio.outro, show.audio.alternates) == (root / "intro.wav", None, ("opus",))


def test_what_a_show_says_of_itself_is_read(tmp_path: Path) -> None:
    """about.md, privacy.md and accessibility.toml beside the settings become the site's settings."""
    root = studio.workspace(tmp_path / "w", "one")
    (root / "about.md").write_text("Who we are.\n", encoding="utf-8-sig")
    (root / "accessibility.toml").write_text(
        'status = "partial"\nprepared_on = 2026-10-01\ntested_on = 2026-09-01\ntested_by = "X"\ntested_how = "Y"\n'
        '[[barriers]]\nwhat = "No transcripts"\ncriterion = "1.2.1"\n'
    )
    with (root / "cln_media.toml").open("a", encoding="utf-8") as file:
        file.write('\n[[directories]]\ntitle = "A directory"\nurl = "https://directory.example/1"\n')
    show, problems = workspace.read_show(Workspace(root=root))
    assert show is not None
    assert [problem for problem in problems if problem.fatal] == []
    assert (show.site.about, show.site.privacy) == ("Who we are.\n", None)
    assert show.site.directories == (model.Link(title="A directory", url="https://directory.example/1"),)
    assert show.site.statement is not None
    assert (show.site.statement.status, show.site.statement.reply_days) == (model.Compliance.PARTIAL, None)
    assert show.site.statement.barriers[0].reason == "non-compliance"


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("about.md", b"\xff\xfe\xff", "is not UTF-8 text"),
        ("privacy.md", b"x" * 1_000_001, "is longer than a page"),
        ("accessibility.toml", b'status = "mostly"\nprepared_on = 2026-10-01\n', "status"),
        ("accessibility.toml", b"status = ", "accessibility.toml"),
    ],
)
def test_what_cannot_be_read_of_it_is_named(tmp_path: Path, name: str, data: bytes, message: str) -> None:
    """A file that is no text, is too long or says what does not exist stops a build with its name."""
    root = studio.workspace(tmp_path / "w", "one")
    (root / name).write_bytes(data)
    _, problems = workspace.read_show(Workspace(root=root))
    fatal = [problem for problem in problems if problem.fatal]
    assert [problem.source for problem in fatal] == [name]
    assert message in f"{fatal[0].source} {fatal[0].message}"


@pytest.mark.parametrize("name", ["about.md", "privacy.md", "accessibility.toml"])
def test_a_link_out_of_the_workspace_is_not_published(tmp_path: Path, name: str) -> None:
    """What a page says comes from the workspace: not from behind a link, and a pipe is no file."""
    root = studio.workspace(tmp_path / "w", "one")
    (tmp_path / "secret").write_text("secret\n")
    (root / name).symlink_to(tmp_path / "secret")
    for _ in range(2):
        show, problems = workspace.read_show(Workspace(root=root))
        assert [problem.message for problem in problems if problem.source == name] == ["is no file of the workspace"]
        assert "secret" not in repr(show)
        (root / name).unlink()
        os.mkfifo(root / name)
