"""Episodes enter, their files leave into a spool: where there are many, processes render them side by side."""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.build import memory, processes
from pipeline.build.site import Spool, Spooled
from pipeline.model import Edition, Item, Transcript

ENOUGH = 40  # episodes for each process

Files = Iterable[tuple[str, bytes]]
Writer = Callable[[Item], Files]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where rendering happens. templates: those of the workspace; site: what stands; scratch: for what differs."""

    templates: Path
    site: Path
    scratch: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class _Given:
    edition: Edition
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    items: dict[str, Item]
    write: Writer
    place: Place


_Result = dict[str, Spooled] | None
_begun: list[_Work] = []  # of a process that renders: what it was given


def rendered(
    edition: Edition,
    items: Sequence[Item],
    write: Writer,
    *,
    into: Spool,
    place: Place,
    jobs: int | None = None,
) -> Iterator[tuple[Item, list[str]]]:
    """Render items, in their order; the same bytes by one process or by many.

    What a process cannot render is rendered again here, where what is wrong with it is raised as it always is.

    Args:
        edition: what is published.
        items: of the edition, those to render.
        write: renders one of them.
        into: takes the files.
        place: where that happens.
        jobs: how many processes at most; None for as many as there are processors.

    Yields:
        Each item with the keys of its files.

    Raises:
        MediaError: an item cannot be rendered.
    """
    count = processes.how_many(len(items), enough=ENOUGH, jobs=jobs)
    if count <= 1:
        yield from ((item, into.add_all(write(item))) for item in items)
        return
    bare = replace(edition, items=tuple(map(memory.without_words, edition.items)))
    workers = processes.pool(count, _prepare, memory.packed(_Given(edition=bare, place=place)))
    for item, made in processes.in_order(workers, count, items, _begin):
        yield item, into.add_all(write(item)) if made is None else into.take(made)


def _begin(item: Item) -> tuple[Callable[..., _Result], str, bytes | None]:
    said = item.episode.transcript
    return _render, item.episode.slug, memory.packed(replace(said, cues=tuple(said.cues))) if said else None


def _prepare(data: bytes) -> None:
    from pipeline.build.outputs import Outputs  # noqa: PLC0415 - outputs has this room render

    given = memory.unpacked(data, _Given)
    outputs = Outputs(given.edition, given.place.templates)
    items = {item.episode.slug: item for item in outputs.items}
    _begun[:] = [_Work(items=items, write=outputs.of_episode, place=given.place)]


def _render(slug: str, said: bytes | None) -> _Result:
    work = _begun[0]
    item = work.items[slug]
    if said is not None:
        transcript = memory.unpacked(said, Transcript)
        transcript = replace(transcript, cues=tuple(transcript.cues))
        item = replace(item, episode=replace(item.episode, transcript=transcript))
    spool = Spool(work.place.site, Path(tempfile.mkdtemp(dir=work.place.scratch)))
    try:
        spool.add_all(work.write(item))
    except Exception:  # noqa: BLE001 - it is met again, and told, where the item is rendered once more
        return None
    return spool.taken()
