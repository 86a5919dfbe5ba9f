"""The command `sign-off`: a person's word that an episode may leave exactly as it is."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from pipeline import trust
from pipeline.build import gate
from pipeline.build.mastering import cached
from pipeline.build.survey import CheckFailedError
from pipeline.cache import Cache
from pipeline.cli import looking
from pipeline.cli.deciding import one_at_a_time
from pipeline.cli.screen import Screen
from pipeline.errors import WorkspaceError
from pipeline.model import Episode, SignOff
from pipeline.workspace import Workspace


def sign(where: Workspace, slug: str, screen: Screen, *, now: datetime, role: str, by: str, key: Path | None) -> None:
    """Sign an episode.

    Raises:
        CheckFailedError: something is to be mended first.
        MediaError: it is not built, nobody must sign in that role, or the key cannot be used.
    """
    survey = looking.look(where, now=now)
    survey.require((slug,))
    show = survey.show
    episode = next((each for each in survey.episodes if each.slug == slug), None)
    if show is None or episode is None:
        raise CheckFailedError(survey.problems)
    roles = tuple(dict.fromkeys((*show.trust.public, *show.trust.members)))
    if role not in roles:
        hint = f"Sign as one of: {', '.join(roles)} ([trust] in cln_media.toml)." if roles else "None is asked for."
        raise WorkspaceError(f'nobody signs as "{role}"', source="cln_media.toml", hint=hint)
    here = f"{where.name(episode.path)}/"
    fatal = tuple(each for each in survey.problems if each.fatal and each.source.startswith(here))
    if fatal:
        raise CheckFailedError(fatal)
    _refuse_unready(episode, here)
    cache = Cache(where.cache)
    master = cached(cache, show, episode)
    cache.close()
    if master is None:
        hint = f"Build it and listen to it first: cln-media build {slug}"
        raise WorkspaceError("is not built as it stands", source=here, hint=hint)
    parts = gate.fingerprint(show, episode, master, survey.pictures)
    if any((each.role, each.by, dict(each.parts)) == (role, by.strip(), parts) for each in episode.sign_offs):
        screen.say(f"{slug} is signed as {role}, by {by.strip()}, just as it is.")
        return
    signed = SignOff(role=role, by=by.strip(), at=_now(), parts=parts)
    if key is not None:
        signed = replace(signed, signature=trust.signing.ssh_signature(trust.signing.statement(slug, signed), key))
    with one_at_a_time(where):
        now_there = next(each for each in looking.look(where, now=now).episodes if each.slug == slug)
        others = tuple(each for each in now_there.sign_offs if each.role != role)
        trust.trail.note(where.trail, "sign-off", slug=slug, role=role, by=signed.by, parts=parts)
        trust.write_sign_offs(episode, (*others, signed))
    screen.say(f"Signed {slug} as {role}, by {signed.by}.")
    left = list(trust.signing.lacking(replace(episode, sign_offs=(*others, signed)), parts, show.trust))
    for missing, reason in left:
        screen.say(f"As {missing}, it {reason}.")
    if not left:
        screen.say("It may leave: cln-media publish")


def _refuse_unready(episode: Episode, here: str) -> None:
    if episode.unread:
        listed = " and ".join(map(str, episode.unread))
        hint = f"First read and correct its {looking.how_to_read(episode)}"
        raise WorkspaceError(f"is not reviewed: a machine drafted its {listed}", source=here, hint=hint)
    if episode.published is None:
        hint = "Set published in episode.toml first: the date stands in the tags, and is signed with them."
        raise WorkspaceError("has no publication date", source=here + "episode.toml", hint=hint)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
