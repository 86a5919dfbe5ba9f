"""Members' feeds on static storage: the private list, sites below secret prefixes, copies in the store, revoking."""

import dataclasses
import functools
import gzip
import http.server
import json
import os
import re
import resource
import shutil
import stat
import sys
import threading
import tomllib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import feedparser
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pipeline import build, members, pages, publish, workspace
from pipeline.build import headers
from pipeline.build import members as sites
from pipeline.build.mastering import masters
from pipeline.build.survey import survey
from pipeline.cache import Cache
from pipeline.cli import members as commands
from pipeline.cli.screen import Screen
from pipeline.errors import MediaError, StorageError, WorkspaceError
from pipeline.members import State
from pipeline.model import Asset, Feed, Release, Soundbite, Visibility
from pipeline.publish.ledger import LEDGER_KEY
from pipeline.workspace import Workspace
from tests import samples, seaweed, studio
from tests.stores import Recording, sign_in, verify
from tests.test_build import NOW, Heard
from tests.test_renditions import mastered as mastered_sound
from tests.test_renditions import pictures as pictures_of

TODAY = date(2026, 11, 2)
TOKEN = re.compile(r"[0-9a-f]{40}")
MEMBERS_FEED = """
[[feeds]]
name = "for-members"
title = "Learning sets, for members"
visibility = "members"
guid = "0b1f3c58-9d4e-5a61-8c2e-7f6a5b4c3d2e"
artwork = "members.png"
artwork_alt = "A door ajar"
"""


class Counting(Recording):
    """A store that notes every request, also copies, and how many bytes were sent."""

    def __init__(self, store: publish.Store, before: Callable[[str, str], None] | None = None) -> None:
        super().__init__(store, before)
        self.sent: dict[str, int] = {}

    def put(self, asset: Asset, path: Path, sent: Callable[[int], None]) -> str:
        tag = super().put(asset, path, sent)
        self.sent[asset.key] = asset.size
        return tag

    def put_bytes(self, asset: Asset, data: bytes) -> str:
        tag = super().put_bytes(asset, data)
        self.sent[asset.key] = asset.size
        return tag


@dataclass
class Studio:
    """A workspace with a members' feed, its store, and how the world reads it."""

    root: Path
    list_path: Path
    base: str
    store: Counting

    @property
    def where(self) -> Workspace:
        return Workspace(root=self.root)

    @property
    def entries(self) -> tuple[members.Member, ...]:
        return members.read(self.list_path).entries

    def member(self, name: str) -> members.Member:
        found = members.read(self.list_path).current(name)
        assert found is not None
        return found

    def add(self, *names: str) -> None:
        for name in names:
            commands.add(self.where, name, None, Screen(quiet=True), today=TODAY)

    def publish(self, screen: Screen | None = None) -> tuple[commands.Work, ...]:
        """Build and publish the public release, then every member's site, as the command does."""
        screen = screen or Screen(quiet=True)
        public, editions = build_all(self.root)
        show, _ = workspace.read_show(self.where)
        assert show is not None
        seen = publish.look(self.store)
        plan = publish.plan(public, seen.ledger)
        planned = commands.works(self.where, show, editions, self.store, screen)
        commands.show_works(planned, screen)
        with publish.only_here(self.where.cache) as mark:
            manner = publish.Manner(owner=publish.Owner(who="tester", host="here", workspace=mark))
            ledger = publish.apply(plan, public, seen=seen, site=self.root / "site", store=self.store, manner=manner)
            commands.carry_out(self.where, show, planned, ledger=ledger, store=self.store, mark=mark, screen=screen)
        return planned

    def get(self, address: str) -> tuple[int, bytes]:
        """Fetch an address as an app does; a folder's address is its index.html, as web servers have it."""
        try:
            with urlopen(address + ("index.html" if address.endswith("/") else "")) as answer:
                return answer.status, answer.read()
        except HTTPError as error:
            with error:
                return error.code, b""

    def feed_of(self, name: str) -> bytes:
        code, data = self.get(f"{self.base}{self.member(name).prefix}feed.xml")
        assert code == 200
        return data

    def held_for(self, member: members.Member) -> dict[str, bytes]:
        """Fetch all that the ledger below a member's prefix names, and the ledger."""
        code, data = self.get(f"{self.base}{member.prefix}{LEDGER_KEY}")
        assert code == 200
        keys = [asset.key for asset in publish.Ledger.from_bytes(data).release.assets]
        found = {key: self.get(f"{self.base}{member.prefix}{key}") for key in keys}
        assert {code for code, _ in found.values()} == {200}
        return {key: content for key, (_, content) in found.items()} | {LEDGER_KEY: data}


def build_all(root: Path) -> tuple[Release, tuple[sites.MembersEdition, ...]]:
    """Build the public site and the members' editions."""
    where = Workspace(root=root)
    with ThreadPoolExecutor(2) as executor:
        public = build.release(where, now=NOW, executor=executor, report=Heard()).release
        cache = Cache(where.cache)
        found = survey(where, cache, now=NOW)
        show = found.complete()
        mastered = masters(cache, show, found.episodes, executor, Heard(), forced=frozenset()).masters
        due = tuple(episode for episode in found.episodes if episode.is_due(NOW))
        editions = sites.editions(cache, show, found.pictures, due, mastered)
        cache.close()
    return public, editions


@pytest.fixture(scope="module")
def mastered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a workspace once: two public episodes and one for members, with an image for a chapter and a cover."""
    root = studio.workspace(tmp_path_factory.mktemp("members") / "w", "open-one", "open-two")
    folder = studio.add_episode(root, "closed", seed=7, extra='visibility = "members"')
    Image.new("RGB", (1400, 1400), (120, 20, 20)).save(folder / "cover.png")
    Image.new("RGB", (800, 600), (20, 120, 20)).save(folder / "graph.png")
    chapters = folder / "chapters.toml"
    chapters.write_text(chapters.read_text().replace('title = "The pilot"', 'title = "The pilot"\nimage = "graph.png"'))
    Image.new("RGB", (1400, 1400), (90, 90, 90)).save(root / "members.png")
    config = root / "cln_media.toml"
    config.write_text(config.read_text() + MEMBERS_FEED)
    build_all(root)
    return root


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder on this machine."""
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/"
        finally:
            server.shutdown()
            thread.join()


def set_up(mastered: Path, tmp_path: Path, *, base: str, storage: str) -> Studio:
    """Copy the workspace and point it at a store."""
    root = studio.copy_workspace(mastered, tmp_path / "w")
    list_path = tmp_path / "private" / "list.toml"
    config = root / "cln_media.toml"
    text = config.read_text().replace("https://podcast.cln.example/", base)
    config.write_text(f'{text}\n[storage]\n{storage}\n[members]\nlist = "{list_path.as_posix()}"\n')
    show, problems = workspace.read_show(Workspace(root=root))
    assert show is not None, problems
    store = Counting(publish.open_store(show.storage, workspace=root))
    return Studio(root=root, list_path=list_path, base=base, store=store)


@pytest.fixture
def in_folder(mastered: Path, tmp_path: Path) -> Iterator[Studio]:
    """A workspace published to a folder that a web server serves."""
    public = tmp_path / "public"
    public.mkdir()
    with served(public) as base:
        yield set_up(mastered, tmp_path, base=base, storage=f'url = "file:{public.as_posix()}"')


@pytest.fixture
def in_bucket(mastered: Path, tmp_path: Path, s3: seaweed.Seaweed, monkeypatch: pytest.MonkeyPatch) -> Studio:
    """A workspace published to a public bucket of a real object store."""
    sign_in(monkeypatch, s3.access_key, s3.secret_key)
    bucket = s3.new_bucket(public=True)
    storage = f'url = "s3://{bucket}/pod"\nendpoint_url = "{s3.endpoint_url}"'
    return set_up(mastered, tmp_path, base=f"{s3.endpoint_url}/{bucket}/pod/", storage=storage)


@pytest.fixture(params=["in_folder", "in_bucket"])
def ready(request: pytest.FixtureRequest) -> Studio:
    """Each kind of store in turn."""
    made = request.getfixturevalue(request.param)
    assert isinstance(made, Studio)
    return made


def own_addresses(base: str, text: bytes) -> list[str]:
    """List every address of the site that a text holds."""
    return [found.decode() for found in re.findall(re.escape(base.encode()) + rb"[^\s\"'<>&\\]*", text)]


def test_each_member_reads_the_feed_below_a_prefix_of_their_own(ready: Studio) -> None:
    """Two members and a group read all episodes; every address starts with their prefix and answers what it says."""
    ready.add("Chair, North West", "GP", "London cohort")
    ready.publish()
    guids, channel_guids = set(), set()
    for member in ready.entries:
        own = f"{ready.base}{member.prefix}"
        data = ready.feed_of(member.name)
        parsed = feedparser.parse(data)
        assert not parsed.bozo
        assert parsed.feed.title == "Learning sets, for members"
        assert parsed.feed.itunes_block
        assert b"<podcast:block>yes</podcast:block>" in data
        guids.add(frozenset(entry.id for entry in parsed.entries))
        channel_guids.add(tuple(re.findall(rb"<podcast:guid>(.+?)</podcast:guid>", data)))
        assert [link.href for link in parsed.feed.links if link.rel == "self"] == [f"{own}feed.xml"]
        addresses = own_addresses(ready.base, data)
        assert all(address.startswith(own) for address in addresses), addresses
        assert {ready.get(address)[0] for address in set(addresses)} == {200}
        for entry in parsed.entries:
            assert entry.link == f"{own}transcripts/{entry.id.removeprefix('urn:test:')}.html"
            (sound,) = entry.enclosures
            assert len(ready.get(sound.href)[1]) == int(sound.length)
    assert guids == {frozenset({"urn:test:open-one", "urn:test:open-two", "urn:test:closed"})}
    assert channel_guids == {(b"0b1f3c58-9d4e-5a61-8c2e-7f6a5b4c3d2e",)}


def test_every_file_of_a_member_keeps_to_the_prefix_and_away_from_search(ready: Studio) -> None:
    """Pages, chapters and transcripts lead nowhere else on the site; pages are noindex and send no referrer."""
    ready.add("GP")
    ready.publish()
    member = ready.member("GP")
    held = ready.held_for(member)
    path = "/" + f"{ready.base}{member.prefix}".split("/", 3)[3]
    for key, content in held.items():
        assert sites.STAND_IN.encode() not in content
        if key.startswith("media/"):  # the same file for everyone: its tags name the public show, never a page of it
            assert not [a for a in own_addresses(ready.base, content) if "closed" in a]
            continue
        assert all(a.startswith(f"{ready.base}{member.prefix}") for a in own_addresses(ready.base, content)), key
        if key.endswith(".html"):
            assert b'<meta name="robots" content="noindex' in content
            assert b'<meta name="referrer" content="no-referrer">' in content
            for link in re.findall(rb'(?:href|src)="(/[^"]*)"', content):
                assert link.decode().startswith(path), (key, link)
                assert ready.get("/".join(ready.base.split("/", 3)[:3]) + link.decode())[0] == 200
    for key, content in held.items():
        if key.startswith(("media/", "assets/")):
            assert member.token.encode() not in content, f"{key} is the same for every member"
    images = [chapter["img"] for chapter in json.loads(held["chapters/closed.json"])["chapters"] if "img" in chapter]
    assert len(images) == 1
    assert ready.get(images[0])[0] == 200


def test_headers_keep_members_files_out_of_shared_caches(in_bucket: Studio) -> None:
    """What members get has its media type, and may be kept by their app but by no cache on the way."""
    in_bucket.add("GP", "Chair")
    in_bucket.publish()
    for member in in_bucket.entries:
        release = publish.Ledger.from_bytes(in_bucket.held_for(member)[LEDGER_KEY]).release
        for asset in release.assets:
            with urlopen(f"{in_bucket.base}{member.prefix}{asset.key}") as answer:
                assert answer.headers["Cache-Control"].startswith("private, max-age="), asset.key
                assert answer.headers["Content-Type"] == headers.asset(asset.key, sha256="", size=0).content_type
                assert answer.headers["x-amz-meta-sha256"] == asset.sha256


def test_nothing_public_tells_of_members(ready: Studio) -> None:
    """No token and nothing of the members' episode stands in any public file, its name, or the public ledger."""
    ready.add("GP")
    ready.publish()
    (token,) = [member.token for member in ready.entries]
    found = ready.store.read(LEDGER_KEY)
    assert found is not None
    release = publish.Ledger.from_bytes(found.data).release
    contents = {asset.key: ready.get(ready.base + asset.key) for asset in release.assets}
    contents[LEDGER_KEY] = (200, gzip.decompress(found.data))
    assert {"robots.txt", "sitemap.xml", "feed.xml", "index.html"} <= set(contents)
    for key, (_, content) in contents.items():
        assert token.encode() not in content
        assert b"urn:test:closed" not in content
        assert b"About closed" not in content
        assert "closed" not in key
        assert token not in key
    written = [path for path in ready.root.rglob("*") if path.is_file()]
    assert not [path for path in written if token.encode() in path.read_bytes() or token in str(path)]


def test_a_second_publish_has_nothing_to_do(ready: Studio) -> None:
    """Published again, each member costs one look at their ledger and nothing is sent."""
    ready.add("GP", "Chair", "London cohort")
    ready.publish()
    ready.store.requests.clear()
    assert all(work.is_empty for work in ready.publish())
    assert {verb for verb, _ in ready.store.requests} == {"read"}
    assert len(ready.store.requests) == 1 + 3


def test_only_what_changed_goes_up_again(in_folder: Studio) -> None:
    """A corrected title sends a few texts to each member, and no sound but the retagged one, sent once."""
    in_folder.add("GP", "Chair")
    in_folder.publish()
    in_folder.store.requests.clear()
    notes = in_folder.root / "episodes/closed/notes.md"
    notes.write_text("Four things we learned.\n")
    in_folder.publish()
    for member in in_folder.entries:
        sent = {key for verb, key in in_folder.store.requests if verb == "put" and key.startswith(member.prefix)}
        assert sent == {f"{member.prefix}feed.xml"}


def test_revoking_one_leaves_the_others_byte_for_byte(ready: Studio) -> None:
    """All that a revoked member's ledger named answers 404; everyone else's files are what they were."""
    ready.add("GP", "Chair", "London cohort")
    ready.publish()
    gone = ready.member("Chair")
    keys = ready.held_for(gone)
    before = {name: ready.held_for(ready.member(name)) for name in ("GP", "London cohort")}
    public = ready.get(f"{ready.base}feed.xml")
    commands.revoke(ready.where, "chair", Screen(quiet=True), today=TODAY)
    assert {ready.get(f"{ready.base}{gone.prefix}{key}")[0] for key in keys} == {404}
    assert {name: ready.held_for(ready.member(name)) for name in before} == before
    assert ready.get(f"{ready.base}feed.xml") == public
    revoked = next(member for member in ready.entries if member.token == gone.token)
    assert (revoked.state, revoked.revoked_on) == (State.REVOKED, TODAY)
    assert all(work.is_empty for work in ready.publish())
    ready.add("Chair")
    assert len({member.token for member in ready.entries}) == 4


def test_an_interrupted_revoking_is_finished_by_the_next_publish(in_folder: Studio) -> None:
    """Killed between two removals, the member stays marked; the next publish removes the rest and says so by name."""
    in_folder.add("GP", "Chair")
    in_folder.publish()
    gone = in_folder.member("Chair")
    keys = in_folder.held_for(gone)
    before = in_folder.held_for(in_folder.member("GP"))
    listed = members.read(in_folder.list_path)
    marked = members.changed(listed, gone, state=State.REVOKING, revoked_on=TODAY)
    members.write(listed, marked, title="Learning sets")
    show, _ = workspace.read_show(in_folder.where)
    assert show is not None
    (work,) = [
        work
        for work in commands.works(in_folder.where, show, (), in_folder.store, Screen(quiet=True))
        if work.member.state is State.REVOKING
    ]
    for key in work.plan.deletes[:3]:  # as far as it came
        work.store.delete(key)
    in_folder.publish()
    assert {in_folder.get(f"{in_folder.base}{gone.prefix}{key}")[0] for key in keys} == {404}
    assert not (Path(in_folder.store.address) / "m" / gone.token).exists()
    assert in_folder.held_for(in_folder.member("GP")) == before
    assert [member.state for member in in_folder.entries] == [State.ACTIVE, State.REVOKED]


def test_a_publish_cut_short_is_finished_by_the_next(in_folder: Studio) -> None:
    """Whatever request a publish ends at, the next one completes the member's site, and revoking finds all of it."""
    in_folder.add("GP")
    for last in (0, 4, 9, 20):
        count = 0

        def end(verb: str, key: str, last: int = last) -> None:
            nonlocal count
            count += verb in {"put", "copy", "exchange"} and key.startswith("m/")
            if count > last:
                raise StorageError("the power is gone")

        in_folder.store.before = end
        with pytest.raises(StorageError):
            in_folder.publish()
        in_folder.store.before = None
        if last == 9:
            in_folder.publish()
            assert "feed.xml" in in_folder.held_for(in_folder.member("GP"))
        commands.revoke(in_folder.where, "GP", Screen(quiet=True), today=TODAY)
        assert not (Path(in_folder.store.address) / "m").exists()
        in_folder.add("GP")


def test_a_member_whose_ledger_is_lost_is_not_called_revoked(in_folder: Studio) -> None:
    """Where nothing says what to remove, the feed that still answers is an error, until somebody removed it by hand."""
    in_folder.add("GP")
    in_folder.publish()
    member = in_folder.member("GP")
    folder = Path(in_folder.store.address) / member.prefix
    (folder / LEDGER_KEY).unlink()
    with pytest.raises(StorageError, match="still serves a feed") as caught:
        commands.revoke(in_folder.where, "GP", Screen(quiet=True), today=TODAY)
    assert member.token not in f"{caught.value} {caught.value.source} {caught.value.hint}"
    assert in_folder.entries[-1].state is State.REVOKING
    shutil.rmtree(folder)
    commands.revoke(in_folder.where, "GP", Screen(quiet=True), today=TODAY)
    assert in_folder.entries[-1].state is State.REVOKED


def test_sound_no_feed_names_any_more_is_kept_and_found_by_revoking(in_folder: Studio) -> None:
    """A withdrawn episode's sound stays for those who are listening, as in public, and goes when they are revoked."""
    in_folder.add("GP")
    in_folder.publish()
    member = in_folder.member("GP")
    (sound,) = [key for key in in_folder.held_for(member) if key.startswith("media/closed")]
    settings = in_folder.root / "episodes/closed/episode.toml"
    settings.write_text(settings.read_text().replace("published = ", "# published = "))
    in_folder.publish()
    assert b"urn:test:closed" not in in_folder.feed_of("GP")
    assert in_folder.get(f"{in_folder.base}{member.prefix}{sound}")[0] == 200
    assert all(work.is_empty for work in in_folder.publish())
    commands.revoke(in_folder.where, "GP", Screen(quiet=True), today=TODAY)
    assert in_folder.get(f"{in_folder.base}{member.prefix}{sound}")[0] == 404


@pytest.mark.parametrize("count", [50, pytest.param(500, marks=pytest.mark.soak)])
def test_one_more_member_of_many_costs_text_only(in_folder: Studio, count: int) -> None:
    """With 49, or 499, members served, one more sends a few kilobytes of text and no sound; nobody else is touched."""
    shutil.rmtree(in_folder.root / "episodes/open-two")
    in_folder.add("The first")
    in_folder.publish()
    listed = members.read(in_folder.list_path)
    entries = listed.entries
    for number in range(2, count):
        listed = dataclasses.replace(listed, entries=entries)
        entries = members.with_added(listed, name=f"Member {number}", feed="for-members", today=TODAY)
    members.write(members.read(in_folder.list_path), entries, title="Learning sets")
    in_folder.store.sent.clear()
    in_folder.publish()
    assert not [key for key in in_folder.store.sent if "/media/" in key or "/assets/" in key]
    in_folder.store.sent.clear()
    in_folder.store.requests.clear()
    in_folder.add("The last")
    in_folder.publish()
    last = in_folder.member("The last")
    changes = {(verb, key) for verb, key in in_folder.store.requests if verb not in {"read", "head"}}
    assert all(key.startswith(last.prefix) for _, key in changes)
    assert sum(in_folder.store.sent.values()) < 60_000
    assert not [key for key in in_folder.store.sent if "/media/" in key or "/assets/" in key]
    held = in_folder.held_for(last)
    assert len([key for key in held if key.startswith("media/")]) == 2


def test_members_sound_goes_up_once(ready: Studio) -> None:
    """The sound of a members' episode is sent for the first member; the others, and all public sound, are copied."""
    ready.add("GP", "Chair", "London cohort")
    ready.publish()
    below = [key for key in ready.store.sent if key.startswith("m/") and "/media/" in key]
    assert len(below) == 1
    assert "/media/closed" in below[0]
    copied = [key for verb, key in ready.store.requests if verb == "copy" and "/media/" in key]
    assert len(copied) == 3 * 3 - 1


def test_a_copy_is_refused_of_a_source_that_is_gone_or_changed(ready: Studio) -> None:
    """A source that is missing or holds something else is never copied: then the file itself is sent."""
    data = b"sound" * 1000
    asset = Asset(
        key="m/x/a.mp3",
        sha256=sites._text_asset("a.txt", data).sha256,
        size=len(data),
        content_type="audio/mpeg",
        cache_control="private",
    )
    assert ready.store.copy(asset, "media/missing.mp3") is None
    other = dataclasses.replace(asset, key="media/b.mp3", sha256="0" * 64)
    ready.store.put_bytes(
        dataclasses.replace(other, sha256=sites._text_asset("a.txt", b"x" * 5000).sha256), b"x" * 5000
    )
    assert ready.store.copy(asset, "media/b.mp3") is None
    assert ready.store.head("m/x/a.mp3") is None
    ready.store.put_bytes(dataclasses.replace(asset, key="media/a.mp3"), data)
    assert ready.store.copy(asset, "media/a.mp3") is not None
    found = ready.store.read("m/x/a.mp3")
    assert found is not None
    assert found.data == data
    assert verify(Release(assets=(asset,)), ready.store, keys=[asset.key]) == ()


def test_a_replaced_original_leaves_its_second_name_alone(tmp_path: Path) -> None:
    """In a folder, where a copy is a second name of the same file, a new version of one is not one of the other."""
    store = publish.DirectoryStore(tmp_path / "public")
    old = Asset(
        key="a.txt", sha256=sites._text_asset("a.txt", b"old").sha256, size=3, content_type="", cache_control=""
    )
    store.put_bytes(old, b"old")
    assert store.copy(dataclasses.replace(old, key="b.txt"), "a.txt") is not None
    assert (tmp_path / "public/a.txt").samefile(tmp_path / "public/b.txt")
    assert store.copy(dataclasses.replace(old, key="b.txt"), "a.txt") is not None
    assert sorted(path.name for path in (tmp_path / "public").iterdir()) == ["a.txt", "b.txt"]
    store.put_bytes(old, b"new")
    assert (tmp_path / "public/b.txt").read_bytes() == b"old"


def test_rendered_with_the_secret_itself_it_is_the_same(in_folder: Studio) -> None:
    """Putting a secret where the stand-in was gives what rendering with that secret would give."""
    in_folder.add("GP")
    member = in_folder.member("GP")
    _, (edition,) = build_all(in_folder.root)
    made = sites.render(edition, templates=in_folder.where.templates).contents(member)

    def told(value: object) -> object:
        if type(value) is str:
            return value.replace(sites.STAND_IN, member.token)
        if isinstance(value, tuple):
            return tuple(told(each) for each in value)
        if isinstance(value, dict):
            return {key: told(each) for key, each in value.items()}
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return dataclasses.replace(
                value, **{f.name: told(getattr(value, f.name)) for f in dataclasses.fields(value)}
            )
        return value

    direct = sites.render(
        dataclasses.replace(edition, edition=told(edition.edition)), templates=in_folder.where.templates
    )
    assert direct.personal == {}
    assert made == dict(direct.shared)


def test_the_commands_show_secrets_only_when_asked(in_folder: Studio, capsys: pytest.CaptureFixture[str]) -> None:
    """`add` and `list` print addresses; a plan, --verbose, what was done, and revoking print names only."""
    screen = Screen(verbose=True)
    commands.add(in_folder.where, "GP", "for-members", screen, today=TODAY)
    added = capsys.readouterr().out
    assert f"{in_folder.base}{in_folder.member('GP').prefix}feed.xml" in added
    in_folder.publish(screen)
    commands.show_list(in_folder.where, screen, as_json=True)
    said = capsys.readouterr().out
    plan, _, listed = said.partition("[\n")
    assert "GP: " in plan
    assert not TOKEN.search(plan)
    assert TOKEN.search(listed)
    commands.show_list(in_folder.where, screen, as_json=False)
    assert TOKEN.search(capsys.readouterr().out)
    show, _ = workspace.read_show(in_folder.where)
    assert show is not None
    _, editions = build_all(in_folder.root)
    planned = commands.works(in_folder.where, show, editions, in_folder.store, screen)
    assert not TOKEN.search(json.dumps(commands.works_json(planned)))
    assert not TOKEN.search(repr(in_folder.member("GP")))
    commands.revoke(in_folder.where, "GP", screen, today=TODAY)
    assert not TOKEN.search("".join(capsys.readouterr()))
    commands.show_list(in_folder.where, screen, as_json=False)
    assert "revoked 2026-11-02" in capsys.readouterr().out


def test_errors_of_the_store_show_no_secret(in_folder: Studio) -> None:
    """A member's folder that cannot be written is named by the member, and the secret is left out."""
    in_folder.add("GP")
    member = in_folder.member("GP")
    blocked = Path(in_folder.store.address) / "m" / member.token / "transcripts"
    blocked.parent.mkdir(parents=True)
    blocked.write_text("a file where a folder must be")
    with pytest.raises(MediaError) as caught:
        in_folder.publish()
    error = caught.value
    assert not TOKEN.search(f"{error} {error.hint} {error.__cause__}")
    assert "(secret)" in str(error)


def test_errors_of_a_bucket_show_no_secret(
    in_bucket: Studio, s3: seaweed.Seaweed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the right to write, the error names the bucket and not the secret."""
    in_bucket.add("GP")
    sign_in(monkeypatch, s3.reader_access_key, s3.reader_secret_key)
    show, _ = workspace.read_show(in_bucket.where)
    assert show is not None
    _, editions = build_all(in_bucket.root)
    store = publish.open_store(show.storage, workspace=in_bucket.root)
    planned = commands.works(in_bucket.where, show, editions, store, Screen(quiet=True))
    with pytest.raises(StorageError) as caught:
        commands.carry_out(
            in_bucket.where, show, planned, ledger=publish.Ledger(), store=store, mark="", screen=Screen(quiet=True)
        )
    assert not TOKEN.search(f"{caught.value} {caught.value.hint} {caught.value.__cause__}")


def test_a_wrong_feed_or_name_is_answered_with_the_near_one(in_folder: Studio) -> None:
    """A mistyped feed or member is asked back; a public feed is not one for members."""
    screen = Screen(quiet=True)
    with pytest.raises(WorkspaceError) as caught:
        commands.add(in_folder.where, "GP", "for-member", screen, today=TODAY)
    assert caught.value.hint == "Did you mean for-members?"
    with pytest.raises(WorkspaceError, match="is public"):
        commands.add(in_folder.where, "GP", "north-west", screen, today=TODAY)
    in_folder.add("Chair, North West")
    with pytest.raises(WorkspaceError) as caught:
        commands.revoke(in_folder.where, "Chair, Nort West", screen, today=TODAY)
    assert caught.value.hint == "Did you mean Chair, North West?"
    with pytest.raises(WorkspaceError, match="already"):
        in_folder.add("CHAIR, north west")


def test_a_member_whose_feed_is_gone_is_a_warning(in_folder: Studio, capsys: pytest.CaptureFixture[str]) -> None:
    """When cln_media.toml has no such feed any more, publishing says for whom, and touches nothing of theirs."""
    in_folder.add("GP")
    in_folder.publish()
    before = in_folder.held_for(in_folder.member("GP"))
    config = in_folder.root / "cln_media.toml"
    config.write_text(config.read_text().replace('"for-members"', '"others"'))
    assert in_folder.publish(Screen()) == ()
    assert 'members revoke "GP"' in capsys.readouterr().err
    assert in_folder.held_for(in_folder.member("GP")) == before


# The list.


def show_with(path: Path | None = None, **changes: object) -> object:
    """Make a show whose list of members is at `path`."""
    return samples.show(members=path, **changes)


def test_the_list_is_for_its_owner_alone(tmp_path: Path) -> None:
    """The file has rights 0600 and a new folder 0700, whatever the umask; a list others may read is noticed."""
    path = tmp_path / "new" / "list.toml"
    before = os.umask(0)
    try:
        listed = members.read(path)
        entries = members.with_added(listed, name="GP", feed="f", today=TODAY)
        members.write(listed, entries, title="Learning sets")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert not members.is_exposed(path)
    path.chmod(0o644)
    assert members.is_exposed(path)


def test_the_list_is_whole_or_as_it_was(tmp_path: Path) -> None:
    """A disk that is full in the middle leaves the old list, no other file, and a sentence."""
    path = tmp_path / "list.toml"
    listed = members.read(path)
    listed = members.write(listed, members.with_added(listed, name="GP", feed="f", today=TODAY), title="T")
    old = path.read_bytes()
    entries = listed.entries
    for number in range(200):
        entries = members.with_added(
            dataclasses.replace(listed, entries=entries), name=f"M{number}", feed="f", today=TODAY
        )
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        with pytest.raises(WorkspaceError, match="cannot be written"):
            members.write(listed, entries, title="T")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == old
    assert [entry.name for entry in tmp_path.iterdir()] == ["list.toml"]


def test_two_people_do_not_overwrite_one_another(tmp_path: Path) -> None:
    """A list that somebody else changed since it was read is not written over."""
    path = tmp_path / "list.toml"
    mine, theirs = members.read(path), members.read(path)
    members.write(theirs, members.with_added(theirs, name="GP", feed="f", today=TODAY), title="T")
    with pytest.raises(WorkspaceError, match="meanwhile"):
        members.write(mine, members.with_added(mine, name="Chair", feed="f", today=TODAY), title="T")
    assert [member.name for member in members.read(path).entries] == ["GP"]


def test_a_linked_list_is_written_where_it_is(tmp_path: Path) -> None:
    """A list that is a link, for instance to a shared drive, stays a link."""
    real = tmp_path / "drive" / "list.toml"
    real.parent.mkdir()
    link = tmp_path / "list.toml"
    link.symlink_to(real)
    show = show_with(link)
    listed = members.read(members.place(show, workspace=tmp_path / "w"))  # type: ignore[arg-type]
    members.write(listed, members.with_added(listed, name="GP", feed="f", today=TODAY), title="T")
    assert link.is_symlink()
    assert len(members.read(real).entries) == 1


@pytest.mark.parametrize("inside", ["list.toml", "episodes/list.toml", "link/list.toml", "x/../list.toml"])
def test_a_list_inside_the_workspace_is_refused(tmp_path: Path, inside: str) -> None:
    """The list may not stand where it could be committed or published, not even behind a link."""
    root = tmp_path / "w"
    (root / "episodes").mkdir(parents=True)
    (tmp_path / "link").symlink_to(root)
    path = tmp_path / inside if inside.startswith("link") else root / inside
    with pytest.raises(WorkspaceError, match="inside the workspace"):
        members.place(show_with(path), workspace=root)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {"XDG_CONFIG_HOME": "{home}/xdg"}, "xdg/cln-media"),
        ("linux", {}, ".config/cln-media"),
        ("linux", {"XDG_CONFIG_HOME": "relative"}, ".config/cln-media"),
        ("darwin", {}, "Library/Application Support/cln-media"),
        ("win32", {"APPDATA": "{home}/Roaming"}, "Roaming/cln-media"),
    ],
)
def test_the_list_has_a_place_without_being_asked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, platform: str, variables: dict[str, str], expected: str
) -> None:
    """Without members.list, the list is in the settings folder of the system, named for the show."""
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_CONFIG_HOME", "APPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value.format(home=tmp_path))
    path = members.place(samples.show(title="Learning sets & more: Été"), workspace=tmp_path / "w")
    assert path == tmp_path / expected / "learning-sets-more-ete-members.toml"
    guid = "917393e3-1b1e-5cef-ace4-edaa54e1f810"
    assert members.place(samples.show(guid=guid), workspace=tmp_path / "w").name == f"{guid}-members.toml"
    assert members.place(samples.show(title="日本"), workspace=tmp_path / "w").name == "show-members.toml"


@given(st.text(alphabet=st.characters(blacklist_categories=("Cs", "Cc", "Zl", "Zp")), min_size=1, max_size=90))
def test_any_name_comes_back_as_it_was(name: str) -> None:
    """Quotation marks, backslashes, emoji, text from right to left: the list keeps every name that is a name."""
    empty = members.Members(path=Path("list.toml"))
    try:
        entries = members.with_added(empty, name=name, feed="f", today=TODAY)
    except WorkspaceError:
        assert not name.strip() or len(name) > 80
        return
    text = members._toml(entries, name)
    assert tomllib.loads(text)["members"][0]["name"] == entries[0].name
    assert members._entries(text.encode()) == entries


@pytest.mark.parametrize("name", ["", "   ", "a\nb", "a\x1b[31m", "x" * 101, "\udcff", "a\u2028b", "a\x7f"])
def test_what_is_no_name_is_refused(name: str) -> None:
    """A name is one line of printable text."""
    with pytest.raises(WorkspaceError, match="name"):
        members.with_added(members.Members(path=Path("list.toml")), name=name, feed="f", today=TODAY)


def test_tokens_are_long_and_never_repeated(tmp_path: Path) -> None:
    """A token has 160 random bits, more than the 128 asked for."""
    listed = members.read(tmp_path / "none.toml")
    entries: tuple[members.Member, ...] = ()
    for number in range(300):
        entries = members.with_added(
            dataclasses.replace(listed, entries=entries), name=f"M{number}", feed="f", today=TODAY
        )
    assert len({member.token for member in entries}) == 300
    assert all(TOKEN.fullmatch(member.token) for member in entries)


GOOD = f'name = "GP"\nfeed = "f"\ntoken = "{"ab" * 20}"\nadded_on = 2026-11-02\nstate = "active"\n'


@pytest.mark.parametrize(
    "text",
    [
        "members = 3",
        "[[members]\n",
        "[[members]]\n" + GOOD.replace("ab" * 20, "../../index"),
        "[[members]]\n" + GOOD.replace("ab" * 20, "abc"),
        "[[members]]\n" + GOOD.replace("ab" * 20, "AB" * 20),
        "[[members]]\n" + GOOD.replace('"active"', '"secret"'),
        "[[members]]\n" + GOOD.replace("2026-11-02", '"soon"'),
        "[[members]]\n" + GOOD.replace('name = "GP"\n', ""),
        "[[members]]\n" + GOOD + "more = 1\n",
        f"[[members]]\n{GOOD}[[members]]\n{GOOD.replace('GP', 'Chair')}",
        f"[[members]]\n{GOOD}[[members]]\n{GOOD.replace('ab' * 20, 'cd' * 20)}",
        "\udcff\udcfe",
    ],
)
def test_a_damaged_list_is_a_sentence_without_a_secret(tmp_path: Path, text: str) -> None:
    """A list that is not one is refused as a whole, and the message shows nothing of it."""
    path = tmp_path / "list.toml"
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(WorkspaceError) as caught:
        members.read(path)
    assert not TOKEN.search(str(caught.value))
    assert caught.value.source == path


def test_a_list_written_by_notepad_is_read(tmp_path: Path) -> None:
    """A byte order mark and Windows line ends do no harm."""
    path = tmp_path / "list.toml"
    path.write_bytes(b"\xef\xbb\xbf" + f"[[members]]\n{GOOD}".replace("\n", "\r\n").encode())
    assert [member.name for member in members.read(path).entries] == ["GP"]


def test_other_codings_and_clips_stand_below_the_prefix(tmp_path: Path) -> None:
    """A member's feed names alternates below the member's own prefix, and their files are part of the site."""
    made = mastered_sound(tmp_path / "masters")
    show = samples.show(feeds=(Feed(name="for-members", title="For members", visibility=Visibility.MEMBERS),))
    bites = (Soundbite(start_ms=500, duration_ms=2_000, title="Start small"),)
    chapters = samples.episode().chapters[:1]
    episode = samples.episode(visibility=Visibility.MEMBERS, soundbites=bites, chapters=chapters)
    cache = Cache(tmp_path / "cache")
    (edition,) = sites.editions(cache, show, pictures_of(tmp_path, show), (episode,), {episode.slug: made})
    (item,) = edition.edition.items
    named = [one.enclosure for one in (*item.alternates, *item.clips)]
    assert [Path(one.key).suffix for one in named] == [".m4a", ".opus", ".mp3"]
    prefix = samples.SITE_URL + members.member_prefix(sites.STAND_IN)
    assert [one.url for one in named] == [prefix + one.key for one in named]
    assert {one.key for one in named} <= set(edition.files)
    assert {one.key for one in named} <= {asset.key for asset in edition.assets}
    site = sites.render(edition, templates=tmp_path)
    feed_text = site.personal["feed.xml"].decode()
    assert all(f'uri="{one.enclosure.url}"' in feed_text for one in item.alternates)
    assert samples.SITE_URL + "media/" not in feed_text


def test_members_pages_are_whole_pages() -> None:
    """The list of episodes and each transcript name the show, hold the words, and ask for styles that are there."""
    item = samples.item(visibility=Visibility.MEMBERS)
    files = pages.members(samples.edition(items=(item,)))
    home, sheet = files["index.html"].decode(), files["transcripts/choose-and-book.html"].decode()
    assert "Choose &amp; Book" in home
    assert "waits &lt; 18 weeks" in sheet
    for page in (home, sheet):
        styles = re.findall(r'rel="stylesheet" href="/([^"]+)"', page)
        assert len(styles) == 2
        assert set(styles) <= set(files)
        assert "<script" not in page
