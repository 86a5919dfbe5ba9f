"""Trust: consent that blocks, findings that a person decides, sign-off, and every way around them refused."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from pipeline.cache import Cache
from tests import studio
from tests.test_cli import Session, spawn

NUMBER = "999 000 0018"  # of the test range, with the right check digit
BY = ("--by", "Communications officer")
CONSENT = (
    'consent = { scope = ["voice", "transcript", "region", "public"], recorded_on = 2026-09-15, reference = "NW 1" }\n'
)


def chair(old: str, new: str) -> str:
    """Write a speaker whose consent differs from a whole one."""
    return f'[[speakers]]\nrole = "Chair"\n{CONSENT.replace(old, new)}'


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a workspace of two episodes, in which two roles must sign, and master it once."""
    root = studio.workspace(tmp_path_factory.mktemp("trust") / "w", "alpha", "beta")
    config = root / "cln_media.toml"
    config.write_text(config.read_text().replace("public = []", 'public = ["comms", "caldicott"]'))
    built = spawn(root, "build")
    _, err = built.communicate(timeout=120)
    assert built.returncode == 0, err
    return root


@pytest.fixture
def session(original: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Session:
    """Work in a copy of that workspace."""
    return Session(studio.copy_workspace(original, tmp_path / "w"), capsys)


def change(session: Session, path: str, old: str, new: str) -> None:
    """Edit a file of the workspace by hand."""
    file = session.folder / path
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def sign(session: Session, *slugs: str) -> None:
    """Have both roles sign."""
    for slug in slugs:
        assert session("sign-off", slug, "--as", "comms", "--by", "Communications officer") == 0, session.err
        assert session("sign-off", slug, "--as", "caldicott", "--by", "Caldicott guardian") == 0, session.err


def published(session: Session) -> Session:
    """Sign both episodes and publish them."""
    sign(session, "alpha", "beta")
    assert session("publish", "--yes") == 0, session.err
    return session


def findings(session: Session, slug: str = "alpha") -> list[dict[str, object]]:
    """Ask what was found in an episode."""
    session("review", slug, "--json")
    found: list[dict[str, object]] = json.loads(session.out)
    return found


def everything(root: Path) -> bytes:
    """Read every file of a published folder that is text."""
    return b"".join(path.read_bytes() for path in root.rglob("*") if path.is_file() and path.suffix != ".mp3")


CONSENTS = {
    "nothing recorded": ("", '[[speakers]]\nrole = "Chair"\n', 'the speaker "Chair" has no consent recorded'),
    "nobody at all": ("", "", "says of nobody that they agreed"),
    "too narrow for the public": (
        "",
        chair(', "public"', ""),
        "does not cover: public",
    ),
    "no consent to the voice": (
        "",
        chair('"voice", ', ""),
        "does not cover: voice",
    ),
    "expired": (
        "",
        chair("reference", "expires_on = 2026-09-20, reference"),
        "expired on 2026-09-20",
    ),
    "withdrawn": (
        "",
        chair("reference", "withdrawn_on = 2026-10-20, reference"),
        'the speaker "Chair" has withdrawn consent',
    ),
    "withdrawn by one of a room that agreed": (
        studio.CONSENT,
        chair("reference", "withdrawn_on = 2026-10-20, reference"),
        'the speaker "Chair" has withdrawn consent',
    ),
    "a room without a reference": (
        '[consent]\nroom = "all-agreed"\n\n',
        '[[speakers]]\nrole = "Chair"\n',
        "has [consent] without a reference",
    ),
    "a name without consent to be named": (
        studio.CONSENT,
        f'[[speakers]]\nrole = "Chair"\nname = "Three Things"\n{CONSENT}',
        "names in its words a speaker without consent to be named",
    ),
}


@pytest.mark.parametrize(("room", "speakers", "message"), CONSENTS.values(), ids=CONSENTS.keys())
def test_lack_of_consent_stops_everything(session: Session, room: str, speakers: str, message: str) -> None:
    """Whatever consent lacks is said by `check`, and neither signed nor published."""
    file = session.folder / "episodes/alpha/episode.toml"
    text = file.read_text().replace(studio.CONSENT, room)
    file.write_text(text[: text.index("[[speakers]]")] + speakers)
    assert session("check") == 1
    assert message in session.err + session.out
    assert session("sign-off", "alpha", "--as", "comms", *BY) == 1
    assert session("publish", "--yes") == 1
    assert not (session.folder / "public").exists()


def test_status_says_who_is_to_sign(session: Session) -> None:
    """Also where a setting that stands in the tags of every file has voided what was signed: a build helps nobody."""

    def waits_for() -> str:
        assert session("build") == 0, session.err
        assert session("status", "--json") == 0
        return next(str(row["waits_for"]) for row in json.loads(session.out) if row["slug"] == "alpha")

    assert waits_for() == "cln-media sign-off alpha --as comms: it is not signed"
    sign(session, "alpha")
    assert waits_for() == "cln-media publish"
    change(session, "cln_media.toml", 'author = "', 'author = "The ')
    assert waits_for() == "cln-media sign-off alpha --as comms: it was signed before its tags changed"


def test_consent_is_accounted_for(session: Session) -> None:
    """The report lists each speaker with scope, reference and state, as a table, as CSV and as JSON."""
    change(session, "episodes/alpha/episode.toml", 'role = "Chair"\n', f'role = "=Chair"\n{CONSENT}')
    assert session("consent", "report") == 0
    assert "NW 1" in session.out
    assert session("consent", "report", "--csv") == 0
    rows = session.out.splitlines()
    assert rows[0].startswith("slug,role,named,scope")
    assert any(row.startswith("alpha,'=Chair,False,voice transcript region public,2026-09-15,NW 1") for row in rows)
    assert session("consent", "report", "--json") == 0
    assert {row["slug"] for row in json.loads(session.out)} == {"alpha", "beta"}


def test_an_unsigned_episode_goes_nowhere(session: Session) -> None:
    """Without both signatures an episode is not in the site that is built, and publish does nothing at all."""
    assert session("build") == 0
    assert "stays out: as comms, it is not signed" in session.err
    assert not list((session.folder / "site").rglob("alpha*"))
    sign(session, "beta")
    assert session("publish", "--yes") == 1
    assert not (session.folder / "public").exists()
    sign(session, "alpha")
    assert session("publish", "--yes") == 0, session.err
    assert (session.folder / "public/episodes/alpha/index.html").is_file()


def test_two_roles_need_two_people(session: Session) -> None:
    """The same person cannot sign in both roles."""
    assert session("sign-off", "alpha", "--as", "comms", "--by", "Caldicott Guardian") == 0
    assert session("sign-off", "alpha", "--as", "caldicott", "--by", "caldicott guardian.") == 0
    assert "who has signed in another role" in session.out
    sign(session, "beta")
    assert session("publish", "--yes") == 1


def test_nobody_signs_in_a_role_that_is_not_asked_for(session: Session) -> None:
    """A role that the settings do not name is refused with those that they do."""
    assert session("sign-off", "alpha", "--as", "editor", *BY) == 1
    assert "comms, caldicott" in session.err


def test_what_is_not_built_is_not_signed(session: Session) -> None:
    """Nobody can sign what they cannot have heard."""
    shutil.rmtree(session.folder / ".cache")
    assert session("sign-off", "alpha", "--as", "comms", *BY) == 1
    assert "cln-media build alpha" in session.err


CHANGES = {
    "notes": ("episodes/alpha/notes.md", "Three", "Four", "its notes"),
    "transcript": ("episodes/alpha/transcript.vtt", "one practice", "two practices", "its transcript"),
    "title": ("episodes/alpha/episode.toml", "About alpha", "On alpha", "its details and its tags"),
    "chapters": ("episodes/alpha/chapters.toml", "The pilot", "The trial", "its chapters and its tags"),
    "the day it appears": ("episodes/alpha/episode.toml", "2026-10-01", "2026-10-02", "its details and its tags"),
    "consent": ("episodes/alpha/episode.toml", "no. 1", "no. 2", "its consent"),
    "sound": ("cln_media.toml", "[trust]", "[audio]\nhighpass_hz = 100\n\n[trust]", "its master"),
}


@pytest.mark.parametrize(("path", "old", "new", "named"), CHANGES.values(), ids=CHANGES.keys())
def test_any_change_voids_a_signature(session: Session, path: str, old: str, new: str, named: str) -> None:
    """Whatever is changed after the signature, publish does nothing and says which part it was."""
    published(session)
    before = everything(session.folder / "public")
    change(session, path, old, new)
    assert session("publish", "--yes") == 1
    assert re.search(rf"as comms, it was signed before {named} changed", session.err), session.err
    assert everything(session.folder / "public") == before
    sign(session, "alpha", "beta")
    assert session("publish", "--yes") == 0, session.err


def test_a_master_swapped_in_the_cache_is_not_published(session: Session) -> None:
    """Another sound in the place of the signed one, with the cache's own papers, is not what was signed."""
    published(session)
    cache = Cache(session.folder / ".cache")
    names = [path.stem for path in (session.folder / ".cache/masters").glob("*.mp3")]
    entries = [cache.get("masters", name) for name in names]
    with cache.scratch() as scratch:
        for entry in entries:
            assert entry is not None
            shutil.copy(entry.path, scratch / entry.path.name)
        for name, other, entry in zip(names, reversed(names), reversed(entries), strict=True):
            assert entry is not None
            cache.put("masters", name, scratch / f"{other}.mp3", entry.facts)
    cache.close()
    before = {path.name for path in (session.folder / "public/media").iterdir()}
    assert session("publish", "--yes") == 1
    assert "was signed before its master" in session.err
    assert {path.name for path in (session.folder / "public/media").iterdir()} == before


def test_members_get_nothing_unsigned(session: Session, tmp_path: Path) -> None:
    """An episode for members needs the signatures of its own list, and is in no member's part before."""
    config = session.folder / "cln_media.toml"
    feed = '\n[[feeds]]\nname = "inner"\ntitle = "Inner"\nvisibility = "members"\n'
    feed += f'guid = "9f3c2fd6-7a0d-5b1b-9e54-0a8e0f3d1c12"\n\n[members]\nlist = "{tmp_path}/members.toml"\n'
    config.write_text(config.read_text().replace("members = []", 'members = ["comms"]') + feed)
    change(session, "episodes/alpha/episode.toml", "region", 'visibility = "members"\nregion')
    assert session("members", "add", "Set 4") == 0, session.err
    sign(session, "beta")
    assert session("publish", "--yes") == 1
    assert not (session.folder / "public").exists()
    assert session("sign-off", "alpha", "--as", "comms", *BY) == 0, session.err
    assert session("publish", "--yes") == 0, session.err
    assert list((session.folder / "public/m").rglob("alpha-*.mp3"))


def test_a_time_to_come_keeps_an_episode_out(session: Session) -> None:
    """A signed episode with a date in the future is in no feed."""
    change(session, "episodes/alpha/episode.toml", "2026-10-01", "2096-10-01")
    published(session)
    assert b"alpha" not in (session.folder / "public/feed.xml").read_bytes()


def test_a_hand_made_file_in_the_site_is_not_published(session: Session) -> None:
    """What somebody puts into site/ is gone before anything is sent."""
    published(session)
    (session.folder / "site/episodes/secret.html").write_text("x")
    (session.folder / "site/feed.xml").write_text("<rss/>")
    assert session("publish", "--yes") == 0
    assert not (session.folder / "public/episodes/secret.html").exists()
    assert b"alpha" in (session.folder / "public/feed.xml").read_bytes()


def test_force_is_no_way_around(session: Session) -> None:
    """To master again does not sign."""
    assert session("build", "--force") == 0
    assert not list((session.folder / "site").rglob("alpha*"))


def test_signing_again_what_is_signed_changes_nothing(session: Session) -> None:
    """The same signature twice leaves the same file and no further line in the trail."""
    sign(session, "alpha")
    file, trail = session.folder / "episodes/alpha/sign-off.toml", session.folder / "audit.jsonl"
    before = file.read_bytes(), trail.read_bytes()
    sign(session, "alpha")
    assert (file.read_bytes(), trail.read_bytes()) == before


def test_a_signature_can_be_proved(session: Session, tmp_path: Path) -> None:
    """With an SSH key, OpenSSH itself verifies who signed what; a changed file and another's key are found out."""
    for name in ("own", "other"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / name)]
        subprocess.run(command, check=True)
    key = ("--key", str(tmp_path / "own"))
    assert session("sign-off", "alpha", "--as", "comms", "--by", "Communications officer", *key) == 0, session.err
    assert session("sign-off", "beta", "--as", "comms", "--by", "Communications officer") == 0, session.err
    allowed = tmp_path / "allowed"
    allowed.write_text(f"communications-officer {(tmp_path / 'own.pub').read_text()}")
    assert session("audit", "verify", "--signers", str(allowed)) == 0, session.out
    assert "alpha, comms, by Communications officer: right." in session.out
    assert "beta, comms, by Communications officer: not signed with a key." in session.out
    change(session, "episodes/alpha/sign-off.toml", 'at = "20', 'at = "21')
    assert session("audit", "verify", "--signers", str(allowed)) == 1
    assert "WRONG" in session.out
    change(session, "episodes/alpha/sign-off.toml", 'at = "21', 'at = "20')
    allowed.write_text(f"communications-officer {(tmp_path / 'other.pub').read_text()}")
    assert session("audit", "verify", "--signers", str(allowed)) == 1
    assert session("sign-off", "beta", "--as", "comms", "--by", "x", "--key", str(allowed)) == 1
    assert "cannot sign" in session.err
