"""The page that corrects words: real sockets and attackers, a real browser and its keys, and the files afterwards."""

import http.client
import json
import re
import resource
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from playwright.sync_api import Browser, Page, expect

from pipeline import audio, proof, words
from pipeline.cache import Cache
from pipeline.errors import PreviewError, WordsError
from pipeline.model import DRAFT_MARKS, AudioSettings, Cue, HeardWord, Part, Transcript
from pipeline.proof import Paper
from pipeline.proof.placing import placed
from pipeline.proof.saving import Saved, save
from pipeline.proof.wishes import read_wish
from pipeline.proof.wording import unmarked, webvtt_text
from tests import browser as browsing
from tests import studio
from tests.browser import becomes
from tests.test_cli import Session, spawn

MARK = DRAFT_MARKS[Part.TRANSCRIPT]
CHAPTERS_MARK = DRAFT_MARKS[Part.CHAPTERS]
TRANSCRIPT = f"""WEBVTT - a learning set

{MARK}

STYLE
::cue {{ color: white }}

NOTE The Chair asked for this to be checked

00:00:00.500 --> 00:00:01.500
<v Speaker 1>Welcome to the learning set.</v>

00:00:01.500 --> 00:00:02.800
<v Speaker 2>We began with one farmacy in Bolton.</v>

NOTE Here the recorder was moved

00:00:03.000 --> 00:00:04.500
<v Speaker 1>And what &lt;b&gt;changed&lt;/b&gt;?</v>
"""
CHAPTERS = f"""{CHAPTERS_MARK}
# Made from the agenda.

[[chapters]]
start = "00:00:00.000"
title = "Welcome"

[[chapters]]
start = "00:00:03.000"
title = "What changed"
url = "https://cln.example/changed"
image = "slide.png"
"""
HEARD = (
    HeardWord(500, 800, " Welcome", 0.99),
    HeardWord(1500, 1700, " We", 0.9),
    HeardWord(1700, 1900, " began", 0.9),
    HeardWord(1900, 2000, " with", 0.9),
    HeardWord(2000, 2100, " one", 0.9),
    HeardWord(2100, 2400, " farmacy", 0.21),
    HeardWord(2400, 2500, " in", 0.9),
    HeardWord(2500, 2800, " Bolton.", 0.9, "repeated"),
)
ATTACK = "/save"
GUARDS = ("Content-Security-Policy", "X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy", "Cache-Control")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write an episode whose transcript and chapters were drafted by machine."""
    made = tmp_path / "episodes" / "waiting-times"
    (made / "drafts").mkdir(parents=True)
    (made / "transcript.vtt").write_text(TRANSCRIPT, encoding="utf-8")
    (made / "chapters.toml").write_text(CHAPTERS, encoding="utf-8")
    (made / "drafts/heard.json").write_bytes(words.heard_json(HEARD))
    return made


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the listening copy of five seconds once."""
    root = tmp_path_factory.mktemp("sound")
    audio.listening_copy((studio.recording(root / "recording.wav"),), root / "sound.mp3", AudioSettings())
    return root / "sound.mp3"


@pytest.fixture
def paper(folder: Path, sound: Path) -> Paper:
    """Lay the episode on the desk."""
    voices = ("Chair", "GP, Greater Manchester")
    return Paper(
        folder=folder, slug="waiting-times", title="Waiting times", language="en-GB", voices=voices, sound=sound
    )


class Served:
    """A running server, and its one-time address."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.port = int(address.split(":")[2].split("/", maxsplit=1)[0])
        self.home = f"http://127.0.0.1:{self.port}"
        self.cookie = self.key = ""

    def ask(self, path: str, method: str = "GET", body: bytes | None = None, **headers: str | None) -> Any:
        """Send one request as the page's browser does; a header set to None is left out."""
        sent = {"Host": f"127.0.0.1:{self.port}", "Cookie": self.cookie, **headers}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in sent.items():
                if value:
                    connection.putheader(name.replace("_", "-"), value)
            if body is not None and "Content_Length" not in headers:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            response = connection.getresponse()
            response.body = response.read()  # type: ignore[attr-defined]
            return response
        finally:
            connection.close()

    def open(self) -> "Served":
        """Exchange the token for the cookie, and read the key."""
        answer = self.ask(self.address.removeprefix(self.home))
        self.cookie = answer.headers["Set-Cookie"].partition(";")[0]
        self.key = json.loads(self.ask("/words.json").body)["key"]
        return self

    def save(self, wish: object, **headers: str | None) -> Any:
        """Send what the page sends to save."""
        own = {"Origin": self.home, "Content_Type": "application/json", "X_Proof_Key": self.key}
        return self.ask(ATTACK, "POST", json.dumps(wish).encode(), **{**own, **headers})

    def words(self) -> Any:
        """Read what the page shows."""
        return json.loads(self.ask("/words.json").body)

    def learn(self, page: Page) -> Any:
        """Learn, from within the page, what it shows and its key: more than any attacker knows."""
        shown = page.evaluate("async () => (await fetch('/words.json')).json()")
        self.key = shown["key"]
        return shown


@contextmanager
def serving(paper: Paper) -> Iterator[Served]:
    """Serve a paper on a free port until the context ends."""
    addresses: list[str] = []
    is_ready, stop = threading.Event(), threading.Event()

    def ready(address: str) -> None:
        addresses.append(address)
        is_ready.set()

    thread = threading.Thread(target=proof.serve, args=(paper,), kwargs={"ready": ready, "stop": stop})
    thread.start()
    try:
        assert is_ready.wait(10)
        yield Served(addresses[0])
    finally:
        stop.set()
        thread.join(10)
        assert not thread.is_alive()


@pytest.fixture
def served(paper: Paper) -> Iterator[Served]:
    """Serve the episode to somebody who has opened the address."""
    with serving(paper) as running:
        yield running.open()


def wish(shown: Any, **changes: object) -> dict[str, object]:
    """Make what the page would send after nothing but `changes`."""
    return {"cues": None, "chapters": None, "reviewed": [], "versions": shown["versions"], **changes}


def as_it_was(folder: Path) -> bool:
    """Say whether nothing was written."""
    texts = (folder / "transcript.vtt").read_text(), (folder / "chapters.toml").read_text()
    return texts == (TRANSCRIPT, CHAPTERS) and not (folder / "drafts/previous").exists()


def test_words_that_read_like_the_mark_are_refused_and_never_lost(served: Served, folder: Path) -> None:
    """A cue that says what the mark says cannot be told from it: taking the mark away must not take the words."""
    rows = [[start, end, text, None] for start, end, text, _ in served.words()["cues"]]
    rows[0][2] = "NOTE draft: delete this"
    answer = served.save(wish(served.words(), cues=rows, reviewed=["transcript"]))
    text = (folder / "transcript.vtt").read_text()
    assert "NOTE draft: delete this" in text if answer.status == 200 else text == TRANSCRIPT
    assert served.save(wish(served.words(), cues=rows)).status == 200
    answer = served.save(wish(served.words(), reviewed=["transcript"]))
    assert answer.status == 422
    assert b"would not read back as it was sent" in answer.body
    assert "NOTE draft: delete this\n" in (folder / "transcript.vtt").read_text()


# Who may ask


def test_the_address_works_once(paper: Paper) -> None:
    """The token gives one browser a cookie that no script and no other site can use; then it is worth nothing."""
    with serving(paper) as running:
        path = running.address.removeprefix(running.home)
        assert running.ask(path.replace("token=", "token=x")).status == 403
        assert running.ask(path, "HEAD").status == 405
        first = running.ask(path)
        assert first.status == 200
        assert re.fullmatch(r"cln-proof-\d+=[\w-]{43}; Path=/; HttpOnly; SameSite=Strict", first.headers["Set-Cookie"])
        second = running.ask(path, Cookie=first.headers["Set-Cookie"].partition(";")[0])
        assert second.status == 403
        assert b"works once" in second.body
        assert b"run the same command again" in second.body
        assert "Set-Cookie" not in second.headers


def test_every_request_needs_the_cookie(served: Served) -> None:
    """Without it, with another, or with that of another port, nothing is told: not even which files there are."""
    name, _, value = served.cookie.partition("=")
    for path in ("/", "/words.json", "/findings.json", "/versions.json", "/sound.mp3", "/proof.js", "/nothing"):
        for cookie in (None, f"{name}=", f"{name}={value[:-1]}", f"cln-proof-1={value}", value):
            answer = served.ask(path, Cookie=cookie)
            assert answer.status == 403
            assert b"Open that address first" in answer.body
    assert served.ask("/", Cookie=f"other=1; {served.cookie}").status == 200


@pytest.mark.parametrize(
    "host", ["", "attacker.example", "127.0.0.1.attacker.example:{port}", "127.0.0.1:1", "[::1]:{port}"]
)
def test_another_host_name_is_refused(served: Served, host: str, folder: Path) -> None:
    """A page elsewhere that points its own name at this machine reads and writes nothing (DNS rebinding)."""
    name = host.format(port=served.port)
    assert served.ask("/words.json", Host=name or None).status in {400, 421}
    assert served.save(wish(served.words(), reviewed=["transcript"]), Host=name or None).status in {400, 421}
    assert as_it_was(folder)


def test_both_names_of_this_machine_are_answered(served: Served) -> None:
    """127.0.0.1 and localhost are the same to people; each may write only as itself."""
    for name in ("127.0.0.1", "localhost"):
        host = f"{name}:{served.port}"
        assert served.ask("/", Host=host).status == 200
        assert served.save(wish(served.words()), Host=host, Origin=f"http://{host}").status == 200
    assert served.save(wish(served.words()), Host=f"localhost:{served.port}").status == 403


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (403, {"Origin": None}),
        (403, {"Origin": "null"}),
        (403, {"Origin": "https://attacker.example"}),
        (403, {"Origin": "http://127.0.0.1:1"}),
        (403, {"Origin": "https://127.0.0.1:{port}"}),
        (403, {"Origin": "http://127.0.0.1:{port}.attacker.example"}),
        (403, {"X_Proof_Key": None}),
        (403, {"X_Proof_Key": "1"}),
        (403, {"Sec_Fetch_Site": "cross-site"}),
        (403, {"Sec_Fetch_Site": "same-site"}),
        (403, {"Cookie": None}),
        (415, {"Content_Type": "text/plain"}),
        (415, {"Content_Type": "application/x-www-form-urlencoded"}),
        (415, {"Content_Type": None}),
        (411, {"Content_Length": None}),
        (411, {"Content_Length": "-1"}),
        (411, {"Content_Length": "1e3"}),
        (411, {"Transfer_Encoding": "chunked"}),
        (413, {"Content_Length": "24000001"}),
        (413, {"Content_Length": "9" * 40}),
    ],
    ids=str,
)
def test_what_only_the_page_can_send_is_asked_of_every_write(
    served: Served, folder: Path, status: int, headers: dict[str, str | None]
) -> None:
    """Each guard stands by itself: one thing missing, and nothing is written."""
    filled = {name: value and value.format(port=served.port) for name, value in headers.items()}
    answer = served.save(wish(served.words(), reviewed=["transcript"]), **filled)
    assert answer.status == status
    assert answer.headers["Connection"] == "close"  # what was sent is never taken for a next request
    assert as_it_was(folder)


def test_every_answer_guards_the_browser(served: Served) -> None:
    """Errors too: nothing is framed, cached, guessed, told to others or shared across origins."""
    answers = [served.ask(path) for path in ("/", "/words.json", "/sound.mp3", "/nothing", "/open?token=x")]
    answers += [
        served.ask("/", Cookie=None),
        served.ask("/", Host="x"),
        served.ask("/", "PUT"),
        served.ask("/", "OPTIONS"),
    ]
    answers += [served.save({}), served.save({}, Origin=None)]
    for answer in answers:
        assert all(name in answer.headers for name in GUARDS), answer.status
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
        assert answer.headers["Cache-Control"] == "no-store"
        assert not [name for name in answer.headers if name.lower().startswith("access-control-")]
    assert [served.ask("/", method).status for method in ("PUT", "DELETE", "OPTIONS", "PATCH")] == [501] * 4


def test_only_fixed_paths_are_served(served: Served) -> None:
    """Nothing is looked up on the disk by the name that is asked for."""
    for path in (
        "/transcript.vtt",
        "/../episode.toml",
        "/%2e%2e/x",
        "/proof.js/",
        "/proof.html",
        "*",
        "/save",
    ):
        assert served.ask(path).status == 404
    assert served.ask("/../transcript.vtt").status == 404
    assert (
        served.ask(
            "/elsewhere", "POST", b"{}", Origin=served.home, X_Proof_Key=served.key, Content_Type="application/json"
        ).status
        == 404
    )


def test_only_this_machine_can_connect(served: Served) -> None:
    """It listens on 127.0.0.1 and on no other address."""
    with socket.socket() as other:
        assert other.connect_ex(("127.0.0.2", served.port)) != 0


def test_a_port_in_use_is_told_with_a_way_out(paper: Paper) -> None:
    """The person is told to choose another port."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(PreviewError, match="already in use"):
            proof.serve(paper, port=other.getsockname()[1])


# The sound


def test_the_sound_comes_in_ranges(served: Served, sound: Path) -> None:
    """A browser that jumps asks for bytes from the middle."""
    data = sound.read_bytes()
    whole, part = served.ask("/sound.mp3"), served.ask("/sound.mp3", Range="bytes=100-299")
    assert (whole.status, whole.body, whole.headers["Content-Type"]) == (200, data, "audio/mpeg")
    assert (part.status, part.body) == (206, data[100:300])
    assert part.headers["Content-Range"] == f"bytes 100-299/{len(data)}"
    assert served.ask("/sound.mp3", Range="bytes=99999999-").status == 416
    assert served.ask("/sound.mp3", "HEAD").body == b""


def test_the_copy_is_on_the_recordings_own_clock_and_made_once(tmp_path: Path) -> None:
    """Clicks in two parts of a recording, at another rate, are within 50 ms of where they were; progress is told."""
    parts = []
    for number, moments in enumerate(((1.0, 6.5), (0.5, 5.0))):
        sound = np.random.default_rng(number).standard_normal(studio.RATE_HZ * 7 + 123) * 0.002
        for moment in moments:
            sound[int(moment * studio.RATE_HZ) :][:200] += 0.6
        parts.append(studio.write_wav(tmp_path / f"{number}.wav", sound))
    told: list[float] = []
    cache = Cache(tmp_path / ".cache")
    assert proof.kept_copy(cache, tuple(parts), AudioSettings()) is None
    path = proof.made_copy(cache, tuple(parts), AudioSettings(), told.append)
    assert proof.kept_copy(Cache(tmp_path / ".cache"), tuple(parts), AudioSettings()) == path
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1, abs=0.01)
    [(start_ms, heard)] = audio.pieces((path,), rate_hz=16_000)
    assert start_ms == 0
    second_s = 7 + 123 / studio.RATE_HZ
    assert len(heard) / 16_000 == pytest.approx(2 * second_s, abs=0.05)
    for moment in (1.0, 6.5, second_s + 0.5, second_s + 5.0):
        around = np.abs(heard[round((moment - 0.3) * 16_000) : round((moment + 0.3) * 16_000)])
        assert int(np.argmax(around > around.max() / 2)) / 16_000 - 0.3 == pytest.approx(0, abs=0.05)
    assert proof.forget_copies(cache, ["0" * 64]) == 0
    assert path.is_file()
    assert proof.forget_copies(cache, [cache.sha256(parts[1])]) == 1
    assert not list(path.parent.iterdir())


# What is marked


def test_doubtful_words_are_found_where_they_stand(served: Served) -> None:
    """Each word has its characters and its time; one the recogniser was unsure of, or wrote a doubt about, says why."""
    heard = served.words()["heard"]
    assert heard[0] == [[0, 7, 500]]
    assert heard[1][:2] == [[0, 2, 1500], [3, 8, 1700]]
    assert heard[1][4:] == [[18, 25, 2100, "unsure"], [26, 28, 2400], [29, 35, 2500, "repeated"]]
    assert heard[2] == []


def test_a_corrected_word_is_not_marked_and_a_repeated_one_in_its_own_place() -> None:
    """Words are matched in order with their neighbours, whatever the case and the punctuation."""
    cue = Cue(start_ms=1500, end_ms=2800, text="We began with one pharmacy, in Bolton")
    [found] = placed((cue,), HEARD)
    assert [place for place in found if place[3:]] == [[31, 37, 2500, "repeated"]]
    assert [cue.text[start:end] for start, end, *_ in found] == ["We", "began", "with", "one", "in", "Bolton"]
    heard = [
        HeardWord(i * 100, i * 100 + 90, f" {text}", p)
        for i, (text, p) in enumerate([("no", 0.9), ("no", 0.1), ("yes", 0.9)])
    ]
    [found] = placed((Cue(start_ms=0, end_ms=300, text="No, no: yes."),), heard)
    assert found == [[0, 2, 0], [4, 6, 100, "unsure"], [8, 11, 200]]


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"words": [[1]]}', '{"words": [["a", null, 3, {}, []], [0, 1, " x", "y"]]}']
)
def test_a_damaged_record_of_what_was_heard_marks_nothing(folder: Path, paper: Paper, text: str) -> None:
    """The words can still be corrected; a file that cannot be read is named."""
    (folder / "drafts/heard.json").write_text(text)
    with serving(paper) as running:
        shown = running.open().words()
    assert not any(shown["heard"])
    assert shown["cues"]
    assert ("heard.json" in shown["remark"]) == (text[-2:] != "]}" or text.startswith('{"words": [[1]'))


def test_what_could_identify_a_patient_is_found_across_cues(folder: Path, served: Served) -> None:
    """A number that two cues share is a finding in both."""
    text = TRANSCRIPT.replace("Welcome to the learning set.", "My NHS number is 999 123").replace(
        "Speaker 2>We", "Speaker 1>4560 we"
    )
    (folder / "transcript.vtt").write_text(text)
    assert json.loads(served.ask("/findings.json").body) == [[0, 17, 24, "NHS number"], [1, 0, 4, "NHS number"]]


# Saving


def test_what_people_wrote_beside_the_words_stays(served: Served, folder: Path) -> None:
    """Header, styles, comments, the draft's mark, addresses and images stay; the versions before are kept."""
    shown = served.words()
    cues, chapters = shown["cues"], shown["chapters"]
    cues[1][2], cues[0][3] = " We began\u202e with\none  pharmacy in Bolton.", "Chair"
    chapters[1]["start"], chapters[1]["title"] = 2_950, 'What "changed"'
    answer = json.loads(served.save(wish(shown, cues=cues, chapters=chapters)).body)
    assert (answer["message"], answer["saved"], answer["said"]) == ("", ["transcript", "chapters"], [])
    assert (folder / "transcript.vtt").read_text() == TRANSCRIPT.replace("farmacy", "pharmacy").replace(
        "Speaker 1>Welcome", "Chair>Welcome"
    )
    assert (folder / "chapters.toml").read_text() == CHAPTERS.replace("00:00:03.000", "00:00:02.950").replace(
        '"What changed"', r'"What \"changed\""'
    )
    assert (folder / "drafts/previous/transcript-1.vtt").read_text() == TRANSCRIPT
    assert (folder / "drafts/previous/chapters-1.toml").read_text() == CHAPTERS
    assert answer["words"]["cues"] == served.words()["cues"]


def test_a_part_that_is_right_loses_its_mark_and_nothing_else(served: Served, folder: Path) -> None:
    """Whoever read all of it and changed nothing gets the same file without the mark."""
    answer = json.loads(served.save(wish(served.words(), reviewed=["transcript", "chapters"])).body)
    assert answer["words"]["drafts"] == {"transcript": False, "chapters": False}
    assert (folder / "transcript.vtt").read_text() == TRANSCRIPT.replace(f"{MARK}\n\n", "")
    assert (folder / "chapters.toml").read_text() == CHAPTERS.replace(f"{CHAPTERS_MARK}\n", "")


def test_a_mark_goes_wherever_an_editor_has_moved_it() -> None:
    """What a person wrote below the mark, in the same block, stays a comment."""
    assert unmarked(f"WEBVTT\n\n{MARK}\nAsk the Chair\n\n", Part.TRANSCRIPT) == "WEBVTT\n\nNOTE\nAsk the Chair\n\n"
    assert (
        unmarked(f"WEBVTT\n{MARK}\n\n00:01.000 --> 00:02.000\nHi", Part.TRANSCRIPT)
        == "WEBVTT\n\n00:01.000 --> 00:02.000\nHi"
    )
    kept = webvtt_text(
        f"WEBVTT\n\n{MARK}\nAsk the Chair\n\n00:01.000 --> 00:02.000\nHi\n\nNOTE The end",
        [Cue(start_ms=1500, end_ms=2000, text="Hello")],
        is_draft=True,
    )
    assert kept == f"WEBVTT\n\n{MARK}\n\nNOTE\nAsk the Chair\n\n00:00:01.500 --> 00:00:02.000\nHello\n\nNOTE The end\n"


def test_what_was_to_be_listened_to_goes_with_the_mark() -> None:
    """A person who has read all of it has listened too: the lines that asked for it go."""
    check = "NOTE check: not sure of: cap"
    said = "00:00:01.000 --> 00:00:02.000\nHi\n\nNOTE mine\n\n00:00:03.000 --> 00:00:04.000\nYes\n"
    old, new = f"WEBVTT\n\n{MARK}\n\n{check}\n\n{said}", f"WEBVTT\n\n{said}"
    cues = words.read_transcript(old.encode(), source=Path("transcript.vtt"), language="en-GB").cues
    assert unmarked(old, Part.TRANSCRIPT, with_checks=True) == new
    assert webvtt_text(old, cues, is_draft=False) == new
    assert webvtt_text(old, cues, is_draft=True) == old


CUES = st.lists(
    st.tuples(
        st.integers(0, 10_000),
        st.integers(1, 60_000),
        st.text(st.characters(exclude_categories=["Cc", "Cs", "Cf", "Cn", "Co", "Zl", "Zp"]), min_size=1, max_size=200),
        st.sampled_from(["Chair", "GP & nurse, <Cumbria>"]),
    ),
    min_size=1,
    max_size=12,
)


@given(rows=CUES)
def test_any_words_stand_in_the_file_as_they_were_sent(rows: list[tuple[int, int, str, str]]) -> None:
    """Arrows, tags, ampersands and emoji read back with their times and speakers, beside the comments of the file."""
    starts = list(accumulate(gap + 1 for gap, *_ in rows))
    nexts = [*starts[1:], starts[-1] + 60_000]  # one voice does not go on while it begins anew
    sent = [
        [start, min(start + row[1], following), row[2], row[3]]
        for start, following, row in zip(starts, nexts, rows, strict=True)
    ]
    assume(any(text.split() for _, _, text, _ in sent))
    data = json.dumps({"cues": sent, "versions": {"transcript": "", "chapters": ""}}).encode()
    cues = read_wish(data).cues or ()
    text = webvtt_text(TRANSCRIPT, cues, is_draft=True)
    assert words.read_transcript(text.encode(), source=Path("transcript.vtt"), language="en-GB").cues == cues
    assert text.count("\nNOTE ") == TRANSCRIPT.count("\nNOTE ")


def test_nothing_is_written_over_what_somebody_else_wrote(served: Served, folder: Path) -> None:
    """The page is told that the file changed, and may say that it knows; neither text is lost."""
    shown = served.words()
    shown["cues"][0][2] = "Mine."
    theirs = TRANSCRIPT.replace("Welcome", "Theirs: welcome")
    (folder / "transcript.vtt").write_text(theirs)
    chapters = [*shown["chapters"], {"start": 4000, "title": "More", "url": None, "image": None}]
    refused = served.save(wish(shown, cues=shown["cues"], chapters=chapters))
    answer = json.loads(refused.body)
    assert (refused.status, answer["saved"]) == (409, [])
    assert "waiting-times/transcript.vtt: was changed by somebody else" in answer["message"]
    assert (folder / "transcript.vtt").read_text() == theirs
    assert (folder / "chapters.toml").read_text() == CHAPTERS
    accepted = served.save(wish({"versions": answer["versions"]}, cues=shown["cues"]))
    assert accepted.status == 200
    assert "Mine." in (folder / "transcript.vtt").read_text()
    assert (folder / "drafts/previous/transcript-1.vtt").read_text() == theirs


def test_ten_versions_are_kept_and_the_first_is_the_newest(served: Served, folder: Path) -> None:
    """Saving what stands there already keeps nothing."""
    for number in range(12):
        shown = served.words()
        shown["cues"][0][2] = f"Version {number}."
        assert served.save(wish(shown, cues=shown["cues"])).status == 200
        assert served.save(wish(served.words(), cues=shown["cues"])).status == 200
    kept = {path.name: path.read_text() for path in (folder / "drafts/previous").iterdir()}
    assert sorted(kept) == sorted(f"transcript-{number}.vtt" for number in range(1, 11))
    assert [f"Version {11 - number}." in kept[f"transcript-{number}.vtt"] for number in range(1, 11)] == [True] * 10


def test_subrip_stays_subrip_where_it_can_hold_what_is_said(folder: Path, paper: Paper) -> None:
    """With speakers it becomes WebVTT, which the page says; what it was is kept."""
    (folder / "transcript.vtt").unlink()
    srt = "1\n00:00:00,500 --> 00:00:01,500\nWelcome.\n\n2\n00:00:02,000 --> 00:00:03,000\nThank you.\n"
    (folder / "transcript.srt").write_text(srt)
    with serving(paper) as running:
        shown = running.open().words()
        shown["cues"][0][2] = "Good morning."
        assert json.loads(running.save(wish(shown, cues=shown["cues"])).body)["said"] == []
        assert (folder / "transcript.srt").read_text() == srt.replace("Welcome", "Good morning")
        shown["cues"][1][3] = "Chair"
        said = json.loads(running.save(wish(running.words(), cues=shown["cues"])).body)["said"]
        assert "It is now transcript.vtt" in said[0]
        assert running.words()["cues"] == shown["cues"]
    assert not (folder / "transcript.srt").exists()
    assert (folder / "drafts/previous/transcript-1.srt").read_text() == srt.replace("Welcome", "Good morning")


def test_a_cue_of_subrip_that_nobody_changed_stays_as_it_is(folder: Path, paper: Paper) -> None:
    """A long cue is not cut into several with times that nobody set; WebVTT under that name keeps its draft's mark."""
    (folder / "transcript.vtt").unlink()
    long = "1\n00:00:00,000 --> 00:00:02,000\n" + "\n".join(["one and two and three and four and five"] * 5) + "\n\n"
    srt = f"{long}2\n00:00:03,500 --> 00:00:04,000\nThank yu.\n"
    (folder / "transcript.srt").write_text(srt)
    with serving(paper) as running:
        shown = running.open().words()
        shown["cues"][1][2] = "Thank you."
        assert running.save(wish(shown, cues=shown["cues"])).status == 200
        assert (folder / "transcript.srt").read_text() == srt.replace("yu", "you")
        (folder / "transcript.srt").write_text(f"WEBVTT\n\n{MARK}\n\n00:00.000 --> 00:01.000\nHello\n")
        shown = running.words()
        shown["cues"][0][2] = "Hello."
        assert running.save(wish(shown, cues=shown["cues"])).status == 200
    assert MARK in (folder / "transcript.vtt").read_text()


def test_what_somebody_else_broke_is_kept_and_replaced(served: Served, folder: Path) -> None:
    """Who saves theirs over a file that is no transcript any loses nothing; it is a draft until it was read."""
    shown = served.words()
    broken = {"transcript.vtt": b"WEBVTT\n\n00:00:01.000 --> soon\nHello\n", "chapters.toml": b"\xff\xfe\x00"}
    for name, data in broken.items():
        (folder / name).write_bytes(data)
    found = json.loads(served.ask("/versions.json").body)
    assert served.save({**wish(shown, reviewed=["transcript"]), "versions": found}).status == 422
    shown["cues"][0][2] = "Mine."
    whole = wish(shown, cues=shown["cues"], chapters=shown["chapters"])
    assert served.save({**whole, "versions": found}).status == 200
    assert MARK in (folder / "transcript.vtt").read_text()
    assert CHAPTERS_MARK in (folder / "chapters.toml").read_text()
    assert served.words()["cues"] == shown["cues"]
    assert (folder / "drafts/previous/transcript-1.vtt").read_bytes() == broken["transcript.vtt"]
    assert (folder / "drafts/previous/chapters-1.toml").read_bytes() == broken["chapters.toml"]


def test_saving_again_and_again_in_vain_keeps_the_versions_before(served: Served, folder: Path) -> None:
    """A version is kept once, however often the file that was to follow it could not be written."""
    for number in range(3):
        shown = served.words()
        shown["cues"][0][2] = f"Version {number}."
        assert served.save(wish(shown, cues=shown["cues"])).status == 200
    (folder / ".transcript.vtt.new").mkdir()
    shown["cues"][0][2] = "In vain."
    for _ in range(5):
        answer = served.save(wish(served.words(), cues=shown["cues"]))
        assert answer.status == 422
        assert "transcript.vtt: cannot be written: Is a directory" in json.loads(answer.body)["message"]
    kept = sorted((folder / "drafts/previous").iterdir())
    assert [path.name for path in kept] == [f"transcript-{number}.vtt" for number in (1, 2, 3, 4)]
    assert [words_ in kept[at].read_text() for at, words_ in enumerate(("Version 2", "Version 1", "Version 0"))] == [
        True
    ] * 3


def test_who_may_read_a_file_stays_who_may_read_it(served: Served, folder: Path) -> None:
    """What only its owner could read is so after it was saved, and so is the version that is kept."""
    (folder / "transcript.vtt").chmod(0o600)
    shown = served.words()
    shown["cues"][0][2] = "Only ours."
    assert served.save(wish(shown, cues=shown["cues"])).status == 200
    files = (folder / "transcript.vtt", folder / "drafts/previous/transcript-1.vtt")
    assert [path.stat().st_mode & 0o777 for path in files] == [0o600, 0o600]


def test_a_folder_of_versions_that_leads_elsewhere_is_refused(served: Served, folder: Path, tmp_path: Path) -> None:
    """Through a link, what was recorded would outlive its recording; and each file that changed is named."""
    (folder / "drafts/previous").symlink_to(tmp_path)
    answer = served.save(wish(served.words(), reviewed=["transcript"]))
    assert "drafts/previous: is a link to another place" in json.loads(answer.body)["message"]
    shown = served.words()
    (folder / "transcript.vtt").write_text(TRANSCRIPT + "\n")
    (folder / "chapters.toml").write_text(CHAPTERS + "\n")
    answer = served.save(wish(shown, reviewed=["transcript", "chapters"]))
    assert answer.status == 409
    assert "opened, and so was chapters.toml" in json.loads(answer.body)["message"]


def test_remarks_between_chapters_are_said_to_be_in_the_version_before(served: Served, folder: Path) -> None:
    """A remark that cannot be kept is never lost without a word."""
    (folder / "chapters.toml").write_text(CHAPTERS.replace('title = "Welcome"', 'title = "Welcome"  # by the Chair'))
    shown = served.words()
    shown["chapters"].pop()
    said = json.loads(served.save(wish(shown, chapters=shown["chapters"])).body)["said"]
    assert said == [
        "Remarks between the chapters were left out of chapters.toml; they are in drafts/previous/chapters-1.toml."
    ]


ROW = [0, 1000, "Hello.", None]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"{", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"[]", "not an object"),
        ({"versions": {"transcript": ""}}, "does not say which files"),
        ({"versions": {"transcript": "x" * 65, "chapters": ""}}, "does not say which files"),
        ({"cues": {}}, "not a list of at most 50,000"),
        ({"cues": [ROW] * 50_001}, "not a list of at most 50,000"),
        ({"cues": [[0, 1000, "Hello."]]}, "cue 1 is not a start"),
        ({"cues": [ROW, [True, 1000, "Hello.", None]]}, "cue 2 has a time"),
        ({"cues": [[0.5, 1000, "Hello.", None]]}, "cue 1 has a time"),
        ({"cues": [[-1, 1000, "Hello.", None]]}, "cue 1 has a time"),
        ({"cues": [[0, 360_000_001, "Hello.", None]]}, "cue 1 has a time"),
        ({"cues": [[1000, 1000, "Hello.", None]]}, "does not end after it starts"),
        ({"cues": [[500, 1000, "Hello.", None], ROW]}, "starts before the one above"),
        ({"cues": [[0, 1000, None, None]]}, "is no text and speaker"),
        ({"cues": [[0, 1000, "x" * 20_001, None]]}, "is longer than 20,000 characters"),
        ({"cues": [[0, 1000, "Hello.", "x" * 201]]}, "is longer than 200 characters"),
        ({"cues": [[0, 1000, " \u200b\u202e\n ".replace("\u200b", ""), None]]}, "no words are left"),
        ({"chapters": "x"}, "not a list of at most 1,000"),
        ({"chapters": [{"start": "0", "title": "A"}]}, "chapter 1 has no time"),
        ({"chapters": [{"start": 0, "title": " "}]}, "chapter 1 has no title"),
        ({"chapters": [{"start": 0, "title": "x" * 301}]}, "chapter 1 has no title"),
        ({"chapters": [{"start": 0, "title": "A"}, {"start": 0, "title": "B"}]}, "does not start after"),
        ({"chapters": [{"start": 0, "title": "A", "url": 1}]}, "address or image"),
        ({"chapters": [{"start": 0, "title": "A", "url": "javascript:alert(1)"}]}, "not a web address"),
        ({"chapters": [{"start": 0, "title": "A", "image": "slide.svg"}]}, "not a file name"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_a_transcript_is_refused_with_a_sentence(
    paper: Paper, folder: Path, data: bytes | dict[str, object], sentence: str
) -> None:
    """Nothing is written of a wish of which a part is wrong."""
    with serving(paper) as running:
        versions = running.open().words()["versions"]
    whole = (
        data
        if isinstance(data, bytes)
        else json.dumps({"reviewed": ["chapters"], "versions": versions, **data}).encode()
    )
    with pytest.raises(WordsError, match=re.escape(sentence)):
        save(paper, read_wish(whole), Saved())
    assert as_it_was(folder)


def test_a_wrong_wish_is_answered_in_words(served: Served, folder: Path) -> None:
    """The page shows one sentence with what to do."""
    answer = served.save(wish(served.words(), cues=[[5, 1, "Hello.", None]]))
    assert answer.status == 422
    assert json.loads(answer.body)["message"] == (
        "Cue 1 (0:00) does not end after it starts. Download your text, and open the page anew."
    )
    assert as_it_was(folder)


def test_a_full_disk_loses_nothing(served: Served, folder: Path) -> None:
    """Where there is no room, the file and the versions before stay, and the page is told why."""
    shown = served.words()
    shown["cues"][0][2] = "A longer welcome to all of you. " * 20
    whole = wish(shown, cues=shown["cues"])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(TRANSCRIPT) + 20, hard))  # room for the version before alone
    try:
        answer = served.save(whole)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert answer.status == 422
    assert "waiting-times/transcript.vtt: cannot be written: File too large" in json.loads(answer.body)["message"]
    assert (folder / "transcript.vtt").read_text() == TRANSCRIPT
    assert not list(folder.rglob("*.new"))
    assert served.save(whole).status == 200


def test_where_the_version_before_cannot_be_kept_nothing_is_written(served: Served, folder: Path) -> None:
    """A folder that cannot be made ends the saving before anything is replaced."""
    (folder / "drafts/previous").write_text("in the way")
    answer = served.save(wish(served.words(), reviewed=["transcript"]))
    assert answer.status == 422
    assert "the version before could not be kept" in json.loads(answer.body)["message"]
    assert (folder / "transcript.vtt").read_text() == TRANSCRIPT


def test_a_file_broken_meanwhile_is_told_with_its_line(served: Served, folder: Path) -> None:
    """Somebody who breaks the file in another program reads on the page where."""
    (folder / "transcript.vtt").write_text("WEBVTT\n\n00:00:01.000 --> soon\nHello\n")
    answer = served.ask("/words.json")
    assert answer.status == 422
    assert "waiting-times/transcript.vtt: line 3:" in json.loads(answer.body)["message"]


# The command


def test_the_command_says_what_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong name is answered with the right one, a missing transcript with how to draft one."""
    studio.workspace(tmp_path, "waiting-times")
    session = Session(tmp_path, capsys)
    assert session("proof", "waiting-time", "--no-browser") == 1
    assert "waiting-times" in session.err
    (tmp_path / "episodes/waiting-times/transcript.vtt").unlink()
    assert session("proof", "waiting-times", "--no-browser") == 1
    assert "has no transcript to correct" in session.err
    assert "cln-media draft waiting-times" in session.err


def test_the_command_ends_with_ctrl_c(tmp_path: Path) -> None:
    """The address is printed, works, and Ctrl-C ends it at once with exit code 0 and no word."""
    root = studio.workspace(tmp_path, "waiting-times")
    ran = spawn(root, "proof", "waiting-times", "--no-browser")
    assert ran.stdout is not None
    line = next(line for line in iter(ran.stdout.readline, "") if "http://" in line)
    running = Served(line.split()[-1]).open()
    shown = running.words()
    assert shown["voices"] == ["Chair", "GP, Greater Manchester"]
    assert shown["sound"] is True
    assert running.ask("/sound.mp3", Range="bytes=0-2").status == 206
    ran.send_signal(signal.SIGINT)
    _, err = ran.communicate(timeout=10)
    assert (ran.returncode, err) == (0, "")


# In a browser


@pytest.fixture
def page(paper: Paper, chromium: Browser) -> Iterator[tuple[browsing.Watched, Served]]:
    """Open the address in a browser."""
    with serving(paper) as running, chromium.new_context(viewport={"width": 1280, "height": 900}) as context:
        watched = browsing.Watched(context)
        watched.page.goto(running.address)
        watched.page.locator(".cln-cue").nth(2).wait_for()
        yield watched, running


def show_all(page: Page) -> None:
    """Have also the rows out of sight laid out, so that axe judges them."""
    page.evaluate("document.styleSheets[1].insertRule('.cln-cue { content-visibility: visible !important }', 0)")


def saved(page: Page) -> None:
    """Press Ctrl+S and wait for the word."""
    page.keyboard.press("Control+s")
    expect(page.get_by_role("status").first).to_contain_text("Saved.")


def test_a_person_corrects_a_draft(page: tuple[browsing.Watched, Served], folder: Path) -> None:
    """Listen, correct, split, join, rename, move a chapter, say it is right, save: and the files say so."""
    watched, running = page
    tab = watched.page
    assert tab.url == f"{running.home}/"
    tab.get_by_role("button", name="Play", exact=True).click()
    becomes(tab.locator("audio"), lambda time_s: time_s > 0.2)
    tab.get_by_role("button", name="Pause").click()

    tab.get_by_role("button", name="Doubtful: “farmacy”").click()
    becomes(tab.locator("audio"), lambda time_s: 1.0 <= time_s < 2.5)
    tab.keyboard.insert_text("pharmacy")
    expect(tab.get_by_role("button", name="Doubtful: “farmacy”")).to_have_count(0)
    expect(tab.get_by_role("button", name="Doubtful: “Bolton”")).to_have_count(1)
    words_ = tab.locator(".cln-cue__words")
    assert words_.nth(1).input_value() == "We began with one pharmacy in Bolton."
    assert words_.nth(2).input_value() == "And what <b>changed</b>?"  # text, never HTML

    tab.keyboard.press("Control+Enter")  # behind "pharmacy"
    assert [words_.nth(index).input_value() for index in (1, 2)] == ["We began with one pharmacy", "in Bolton."]
    expect(tab.locator("#tools-times")).to_have_text("00:00:02.400 to 00:00:02.800")  # when "in" was heard
    tab.get_by_role("button", name="Undo").click()
    expect(words_).to_have_count(3)
    words_.nth(1).focus()
    tab.keyboard.press("Home")
    tab.keyboard.press("Control+Shift+Enter")
    assert words_.nth(1).input_value() == "We began with one pharmacy in Bolton. And what <b>changed</b>?"

    tab.get_by_label("Rename", exact=True).select_option("Speaker 1")
    tab.get_by_label("to, everywhere").fill("Dr Somebody")
    tab.get_by_role("button", name="Rename everywhere").click()
    expect(tab.locator("#rename-warning")).to_contain_text(
        "not in [[speakers]] of episode.toml: publishing will be blocked"
    )
    tab.get_by_label("Rename", exact=True).select_option("Dr Somebody")
    tab.get_by_label("to, everywhere").fill("Chair")
    tab.keyboard.press("Enter")
    expect(tab.locator("#rename-warning")).to_be_hidden()
    tab.get_by_label("Who speaks at 0:01").fill("GP, Greater Manchester")

    tab.get_by_label("Chapter 2 starts at").fill("2.5")
    tab.keyboard.press("Tab")
    tab.get_by_label("Title of chapter 2").fill("What has changed")
    tab.get_by_label("I have read all of the transcript").check()
    tab.get_by_label("I have read all of the chapters").check()
    saved(tab)

    assert (
        (folder / "transcript.vtt").read_text()
        == """WEBVTT - a learning set

STYLE
::cue { color: white }

NOTE The Chair asked for this to be checked

00:00:00.500 --> 00:00:01.500
<v Chair>Welcome to the learning set.</v>

00:00:01.500 --> 00:00:04.500
<v GP, Greater Manchester>We began with one pharmacy in Bolton. And what &lt;b&gt;changed&lt;/b&gt;?</v>

NOTE Here the recorder was moved
"""
    )
    assert (folder / "chapters.toml").read_text() == CHAPTERS.removeprefix(f"{CHAPTERS_MARK}\n").replace(
        "00:00:03.000", "00:00:02.500"
    ).replace("What changed", "What has changed")
    expect(tab.get_by_label("I have read all of the transcript")).to_be_hidden()
    assert watched.said == []
    assert watched.elsewhere(running.home) == []
    assert browsing.stored(tab) == [0, 0, 0]


def test_the_page_is_accessible(page: tuple[browsing.Watched, Served]) -> None:
    """Axe finds nothing, wide and narrow, light and dark, with a cue's tools open; nothing scrolls sideways."""
    tab = page[0].page
    show_all(tab)
    tab.locator(".cln-cue__words").nth(1).focus()
    tab.get_by_text("How it works").click()
    for size, scheme in ((1280, "light"), (320, "light"), (320, "dark")):
        tab.set_viewport_size({"width": size, "height": 900})
        tab.emulate_media(color_scheme=scheme)
        assert browsing.axe(tab) == []
        assert browsing.width(tab) == size
    small = tab.evaluate(
        "[...document.querySelectorAll('button, input, select, textarea, summary')].filter((each) => each.offsetParent)"
        ".map((each) => each.getBoundingClientRect()).filter((box) => box.width < 24 || box.height < 24).length"
    )
    assert small == 0


def test_everything_is_done_by_keyboard(page: tuple[browsing.Watched, Served], folder: Path) -> None:
    """The keys work while one types; single letters are letters; what has the focus shows it."""
    tab = page[0].page
    sound_ = tab.locator("audio")
    tab.keyboard.press("F8")
    assert tab.evaluate("document.getSelection().toString()") == "farmacy"
    expect(tab.get_by_role("status").first).to_contain_text("“farmacy” at 0:02: the recogniser was unsure. 1 of 2.")
    assert tab.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    tab.keyboard.type("pharmacy")
    tab.keyboard.press("F8")
    expect(tab.get_by_role("status").first).to_contain_text("“Bolton”")
    tab.keyboard.press("Shift+F8")
    expect(tab.get_by_role("status").first).to_contain_text("No more doubtful words this way.")
    tab.keyboard.press("F2")
    becomes(sound_, lambda time_s: time_s > 1.6)
    tab.keyboard.press("Control+Space")
    assert sound_.evaluate("audio => audio.paused") is True
    tab.keyboard.press("F3")
    becomes(sound_, lambda time_s: time_s < 1.5)
    tab.keyboard.press("F4")
    becomes(sound_, lambda time_s: time_s > 2.9)
    tab.keyboard.press("Alt+ArrowDown")
    tab.keyboard.press("F9")
    becomes(sound_, lambda time_s: 3.0 <= time_s < 5)
    tab.keyboard.press("F2")
    tab.keyboard.press("End")
    tab.keyboard.press("Enter")  # a cue is one line
    tab.keyboard.type(" p s f2")
    tab.keyboard.press("Shift+Tab")
    expect(tab.get_by_label("Who speaks at 0:03")).to_be_focused()
    saved(tab)
    text = (folder / "transcript.vtt").read_text()
    assert "one pharmacy in Bolton" in text
    assert "changed&lt;/b&gt;? p s f2" in text
    assert text.startswith(f"WEBVTT - a learning set\n\n{MARK}\n")


def test_a_pause_before_the_sound_began_leaves_the_cursor_where_it_is(page: tuple[browsing.Watched, Served]) -> None:
    """Whoever presses play and pause at once goes on typing into the same cue (the browser calls that an abort)."""
    tab = page[0].page
    tab.locator(".cln-cue__words").nth(2).focus()
    press_f9 = "document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key: 'F9', bubbles: true }))"
    assert browsing.paused_at_once(tab, press_f9) == "AbortError"
    expect(tab.get_by_label("Words at 0:03")).to_be_focused()


def test_tools_change_times_and_cues(page: tuple[browsing.Watched, Served], folder: Path) -> None:
    """Times are nudged within their neighbours; cues are put in and deleted; a chapter is added, moved and removed."""
    tab = page[0].page
    words_ = tab.locator(".cln-cue__words")
    words_.nth(1).focus()
    tab.locator("[data-tool=start-earlier]").click()
    tab.locator("[data-tool=end-later]").click()
    expect(tab.locator("#tools-times")).to_have_text("00:00:01.400 to 00:00:02.900")
    tab.get_by_role("button", name="Insert after").click()
    tab.keyboard.insert_text("In between, " + "and so on, " * 20)
    words_.nth(0).focus()
    tab.get_by_role("button", name="Delete").click()
    tab.get_by_role("button", name="Add a chapter here").click()
    tab.keyboard.type("The pharmacy")
    tab.get_by_role("button", name="Remove: chapter 1").click()
    words_.nth(2).focus()
    tab.get_by_role("button", name="Move here: chapter 1").click()
    expect(tab.get_by_role("status").first).to_contain_text("Another chapter starts there already.")
    words_.nth(1).focus()
    saved(tab)
    assert tab.evaluate("document.activeElement.value").startswith("In between")
    transcript, chapters = folder / "transcript.vtt", folder / "chapters.toml"
    cues = words.read_transcript(transcript.read_bytes(), source=transcript, language="en-GB").cues
    assert [(cue.start_ms, cue.end_ms, cue.text) for cue in cues] == [
        (1400, 2900, "We began with one farmacy in Bolton."),
        (2900, 3000, "In between, " + " ".join(["and so on,"] * 20)),  # longer than two lines: one cue all the same
        (3000, 4500, "And what <b>changed</b>?"),
    ]
    assert words_.nth(1).input_value() == cues[1].text + " "  # somebody types there: the space at its end stays
    marks = words.read_chapters(chapters.read_bytes(), source=chapters)
    assert [(mark.start_ms, mark.title) for mark in marks] == [(1400, "The pharmacy"), (3000, "What changed")]


def test_who_goes_on_typing_after_saving_types_into_the_same_cue(
    page: tuple[browsing.Watched, Served], folder: Path
) -> None:
    """Also where the server takes a space away, two cues start together, or a cue has no words yet."""
    tab = page[0].page
    words_ = tab.locator(".cln-cue__words")
    words_.nth(0).focus()
    tab.get_by_role("button", name="Insert after").click()
    assert tab.evaluate("document.activeElement.ariaLabel") == "Words at 0:01"  # where the next one starts
    tab.keyboard.type("Yes, it is ")
    saved(tab)
    tab.keyboard.type("so.")
    saved(tab)
    words_.nth(3).focus()
    tab.get_by_role("button", name="Insert after").click()
    tab.keyboard.press("Control+s")
    expect(tab.get_by_role("status").first).to_contain_text("Saved.")
    tab.keyboard.type("At last.")
    saved(tab)
    tab.get_by_label("Title of chapter 2").press("End")
    tab.keyboard.type(" here ")
    saved(tab)
    tab.keyboard.type("too")
    saved(tab)
    tab.keyboard.press("Control+s")
    expect(tab.get_by_role("status").first).to_contain_text("There is nothing new to save.")
    cues = words.read_transcript((folder / "transcript.vtt").read_bytes(), source=folder, language="en-GB").cues
    assert [cue.text for cue in cues] == [
        "Welcome to the learning set.",
        "Yes, it is so.",
        "We began with one farmacy in Bolton.",
        "And what <b>changed</b>?",
        "At last.",
    ]
    assert 'title = "What changed here too"' in (folder / "chapters.toml").read_text()


def test_undo_takes_nothing_that_was_typed_since(page: tuple[browsing.Watched, Served]) -> None:
    """What came of a split and was corrected stays; a chapter that was removed comes back, and so do labels."""
    tab = page[0].page
    words_, who, undo = tab.locator(".cln-cue__words"), tab.locator(".cln-cue__who"), tab.locator("#undo")
    status = tab.get_by_role("status").first
    words_.nth(1).focus()
    words_.nth(1).evaluate("words => words.setSelectionRange(8, 8)")
    tab.keyboard.press("Control+Enter")
    words_.nth(2).fill("with one pharmacy in Bolton.")
    tab.get_by_role("button", name="Remove: chapter 2").click()
    expect(tab.locator(".cln-chapter")).to_have_count(1)
    undo.click()
    expect(tab.get_by_label("Title of chapter 2")).to_have_value("What changed")
    undo.click()
    expect(status).to_contain_text("Not undone: what came of the split has been changed since.")
    expect(words_.nth(2)).to_have_value("with one pharmacy in Bolton.")
    tab.locator("#rename-from").select_option("Speaker 1")
    tab.locator("#rename-to").fill("Chair")
    tab.get_by_role("button", name="Rename everywhere").click()
    who.nth(3).fill("Nurse")
    undo.click()
    assert [who.nth(number).input_value() for number in (0, 3)] == ["Speaker 1", "Nurse"]


def test_a_time_that_was_typed_is_saved(page: tuple[browsing.Watched, Served], folder: Path) -> None:
    """Nobody needs to leave its field first; what is no time is said, and nothing is saved then."""
    tab = page[0].page
    field = tab.get_by_label("Chapter 2 starts at")
    field.fill("later")
    tab.keyboard.press("Control+s")
    expect(tab.get_by_role("status").first).to_contain_text("That is no time.")
    assert as_it_was(folder)
    field.fill("2")
    expect(tab.locator("#dirty")).to_have_text("Not saved yet.")
    saved(tab)
    assert 'start = "00:00:02.000"' in (folder / "chapters.toml").read_text()
    expect(tab.get_by_label("Chapter 2 starts at")).to_be_focused()


def test_what_somebody_else_wrote_meanwhile_is_asked_about(page: tuple[browsing.Watched, Served], folder: Path) -> None:
    """A save of one part, while one types, does not take the other part's newer file for what the page shows."""
    tab = page[0].page
    theirs = CHAPTERS.replace("What changed", "Theirs")
    (folder / "chapters.toml").write_text(theirs)
    tab.route("**/save", lambda route: (tab.wait_for_timeout(300), route.continue_()))
    tab.locator(".cln-cue__words").nth(0).fill("Mine.")
    tab.keyboard.press("Control+s")
    tab.locator(".cln-cue__words").nth(1).fill("Mine as well.")
    expect(tab.get_by_role("status").first).to_contain_text("Saved.")
    tab.get_by_label("Title of chapter 1").fill("My welcome")
    tab.keyboard.press("Control+s")
    expect(tab.get_by_role("heading", name="Somebody else has changed a file")).to_be_visible()
    assert (folder / "chapters.toml").read_text() == theirs


def test_a_page_of_an_earlier_start_keeps_its_text(paper: Paper, folder: Path, chromium: Browser) -> None:
    """Where cln-media was started anew on the same port, the page says what to do, and still gives its text."""
    with chromium.new_context() as context:
        tab = context.new_page()
        with serving(paper) as running:
            tab.goto(running.address)
            tab.locator(".cln-cue__words").nth(0).fill("Not saved yet.")
            context.clear_cookies()  # as good as another start: this page is not known
            tab.keyboard.press("Control+s")
            expect(tab.get_by_role("heading", name="The connection to cln-media is lost")).to_be_visible()
            for name in ("Download the transcript", "Download a copy of the transcript"):
                with tab.expect_download() as download:
                    tab.get_by_role("button", name=name, exact=True).click()
                assert "Not saved yet." in download.value.path().read_text()
    assert as_it_was(folder)


@pytest.mark.parametrize("choice", ["Save mine", "Download mine, and open theirs"])
def test_two_people_lose_nothing(page: tuple[browsing.Watched, Served], folder: Path, choice: str) -> None:
    """Where somebody wrote the file meanwhile, the page offers both, and what is not taken is kept or downloaded."""
    tab = page[0].page
    tab.locator(".cln-cue__words").nth(0).fill("Mine.")
    theirs = TRANSCRIPT.replace("Welcome", "Theirs")
    (folder / "transcript.vtt").write_text(theirs)
    tab.keyboard.press("Control+s")
    expect(tab.get_by_role("heading", name="Somebody else has changed a file")).to_be_visible()
    assert (folder / "transcript.vtt").read_text() == theirs
    if choice == "Save mine":
        tab.get_by_role("button", name=choice).click()
        expect(tab.get_by_role("status").first).to_contain_text("Saved.")
        assert "Mine." in (folder / "transcript.vtt").read_text()
        assert (folder / "drafts/previous/transcript-1.vtt").read_text() == theirs
    else:
        with tab.expect_download() as download:
            tab.get_by_role("button", name=choice).click()
        assert "<v Speaker 1>Mine.</v>" in download.value.path().read_text()
        expect(tab.locator(".cln-cue__words").nth(0)).to_have_value("Theirs to the learning set.")
        assert (folder / "transcript.vtt").read_text() == theirs


def test_a_lost_connection_keeps_the_text(paper: Paper, folder: Path, chromium: Browser) -> None:
    """The page says so, keeps what was typed, warns before it is left, and gives the text as files that can be used."""
    with chromium.new_context() as context:
        tab = context.new_page()
        with serving(paper) as running:
            tab.goto(running.address)
            tab.locator(".cln-cue__words").nth(0).fill("Kept, & <safe>.")
        tab.keyboard.press("Control+s")
        expect(tab.get_by_role("heading", name="The connection to cln-media is lost")).to_be_visible()
        expect(tab.get_by_role("alert")).to_contain_text("Nothing is gone from this page")
        with tab.expect_download() as download:
            tab.get_by_role("button", name="Download the transcript").click()
        text = download.value.path().read_bytes()
        read = words.read_transcript(text, source=Path("transcript.vtt"), language="en-GB")
        assert MARK in text.decode()
        assert (read.cues[0].text, read.cues[0].speaker) == ("Kept, & <safe>.", "Speaker 1")
        with tab.expect_download() as download:
            tab.get_by_role("button", name="Download the chapters").click()
        kept = words.read_chapters(download.value.path().read_bytes(), source=folder / "chapters.toml")
        assert kept == words.read_chapters(CHAPTERS.encode(), source=folder / "chapters.toml")
        asked: list[str] = []
        tab.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
        tab.close(run_before_unload=True)
        tab.wait_for_event("close") if not tab.is_closed() else None
        assert asked == ["beforeunload"]


def test_a_used_address_says_so(page: tuple[browsing.Watched, Served]) -> None:
    """Opened again, also in the same browser, it shows a sentence; the page itself can be reloaded."""
    watched, running = page
    tab = watched.page
    tab.reload()
    tab.locator(".cln-cue").nth(2).wait_for()
    other = tab.context.new_page()
    answer = other.goto(running.address)
    assert answer is not None
    assert answer.status == 403
    assert "works once" in other.inner_text("body")


@pytest.mark.soak
def test_three_hours_of_cues_stay_quick(folder: Path, paper: Paper, chromium: Browser) -> None:
    """3,000 cues with the times of 30,000 words: five seconds of processor to open, a tenth of a second for a key."""
    text = "We began with one practice in Bolton and that went well"
    cues = [Cue(start_ms=n * 3600, end_ms=n * 3600 + 3500, text=text, speaker=f"Speaker {n % 4}") for n in range(3000)]
    heard = [
        HeardWord(cue.start_ms + 300 * n, cue.start_ms + 300 * n + 250, f" {word}", 0.2 if n == 5 else 0.9)
        for cue in cues
        for n, word in enumerate(cue.text.split())
    ]
    (folder / "transcript.vtt").write_bytes(words.webvtt(Transcript(language="en-GB", cues=cues, origin="recogniser")))
    (folder / "drafts/heard.json").write_bytes(words.heard_json(heard))
    with serving(paper) as running, chromium.new_context() as context:
        tab = context.new_page()
        measure = context.new_cdp_session(tab)
        measure.send("Performance.enable", {"timeDomain": "threadTicks"})

        def spent_s() -> float:
            metrics = measure.send("Performance.getMetrics")["metrics"]
            return float(next(each["value"] for each in metrics if each["name"] == "TaskDuration"))

        tab.goto(running.address)
        tab.locator(".cln-cue").nth(2999).wait_for(state="attached", timeout=60_000)
        assert spent_s() < 5
        tab.locator(".cln-cue__words").nth(1500).click()
        before_s = spent_s()
        tab.keyboard.type("twenty more letters.")
        assert (spent_s() - before_s) / 20 < 0.1
        tab.keyboard.press("F8")
        assert tab.evaluate("document.getSelection().toString()") == "in"
        tab.keyboard.press("Control+s")
        expect(tab.get_by_role("status").first).to_contain_text("Saved.", timeout=60_000)
    assert "twenty more letters." in " ".join((folder / "transcript.vtt").read_text().split())


ATTACKS = """<!DOCTYPE html><title>x</title><body><script>
const target = "TARGET", wish = JSON.stringify(WISH), credentials = "include";
const json = {"Content-Type": "application/json", "X-Proof-Key": "KEY"};
const make = (name, values) => document.body.appendChild(Object.assign(document.createElement(name), values));
const tries = [
  fetch(target + "/words.json", {credentials}).then((answer) => answer.text()),
  fetch(target + "/save", {method: "POST", mode: "no-cors", credentials, body: wish}),
  fetch(target + "/save", {method: "POST", credentials, body: wish, headers: json}),
  new Promise((onload, onerror) => make("script", {src: target + "/proof.js", onload, onerror})),
];
make("iframe", {src: target + "/"});
make("iframe", {name: "gone"});
const form = make("form", {method: "post", action: target + "/save", enctype: "text/plain", target: "gone"});
const field = {name: wish.slice(0, -1) + ', "x": "', value: '"}'};
form.append(Object.assign(document.createElement("input"), field));
form.submit();
Promise.allSettled(tries).then((all) => {
  window.outcome = all.map((each) => each.status + ":" + (typeof each.value === "string" ? each.value : ""));
});
</script>"""


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_no_other_page_reads_or_writes(page: tuple[browsing.Watched, Served], folder: Path, host: str) -> None:
    """A page of another site, or of another port of the same host, tries in the browser that has the cookie."""
    watched, running = page
    body = wish(running.learn(watched.page), reviewed=["transcript", "chapters"])
    text = ATTACKS.replace("TARGET", running.home).replace("WISH", json.dumps(body)).replace("KEY", running.key)

    class Attacker(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Attacker) as attacker:
        threading.Thread(target=attacker.serve_forever, daemon=True).start()
        tab = watched.page.context.new_page()
        tab.goto(f"http://{host}:{attacker.server_port}/")
        tab.wait_for_function("window.outcome")
        outcome = tab.evaluate("window.outcome")
        attacker.shutdown()
    assert outcome[0].startswith("rejected")
    assert outcome[2:] == ["rejected:", "rejected:"]
    assert all("Welcome" not in frame.content() for frame in tab.frames[1:])
    assert as_it_was(folder)
