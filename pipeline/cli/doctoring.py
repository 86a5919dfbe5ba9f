"""The command `doctor`: what works on this computer, and what would mend what does not."""

import platform
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from pipeline import audio, pages, publish, speech, workspace
from pipeline.cli.screen import Screen, size_text
from pipeline.errors import MediaError
from pipeline.model import AudioSettings, Show, SpeechSettings
from pipeline.workspace import Workspace

LEAST_FREE_BYTES = 2_000_000_000
NEEDED_ENCODER = "libmp3lame"
DEFAULT_MODEL = "small.en"


State = Literal["works", "absent", "fails"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at."""

    HEADINGS: ClassVar = ("What", "State", "Detail")

    what: str
    state: State
    detail: str

    def cells(self) -> tuple[str, ...]:
        """Write the finding for people."""
        return self.what, self.state, self.detail

    def as_json(self) -> dict[str, Any]:
        """Turn the finding into JSON."""
        return asdict(self)


def examine(where: Workspace | None) -> tuple[Finding, ...]:
    """Look at everything a build or a publish needs; without a workspace, at what the program itself needs."""
    show = workspace.read_show(where)[0] if where else None
    settings = show.audio if show else AudioSettings()
    return (
        Finding(what="Python", state="works", detail=platform.python_version()),
        _tried("ffmpeg", lambda: f"{audio.ffmpeg_program(settings)}, {audio.ffmpeg_version(settings)}"),
        _tried("encoders", lambda: _encoders(settings)),
        _tried("templates", lambda: str(pages.default_templates())),
        _tried("NHS design system", pages.design_system),
        _speech(show.speech if show else SpeechSettings(model=DEFAULT_MODEL)),
        *_in_workspace(where, show),
    )


def _tried(what: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(what=what, state="works", detail=look())
    except MediaError as error:
        return Finding(what=what, state="fails", detail=f"{error}. {error.hint or ''}".strip())


def _encoders(settings: AudioSettings) -> str:
    names = audio.encoders(settings)
    if NEEDED_ENCODER not in names:
        hint = "Take the ffmpeg that came with cln-media: unset audio.ffmpeg and CLN_MEDIA_FFMPEG."
        raise MediaError(f"this ffmpeg has no {NEEDED_ENCODER}", hint=hint)
    return ", ".join(names)


def _speech(settings: SpeechSettings) -> Finding:
    what = "transcripts by machine"
    if not speech.is_available():
        return Finding(what=what, state="absent", detail="optional: pip install 'cln-media[transcribe]'")
    model = settings.model
    if not model:
        return Finding(what=what, state="absent", detail="speech.model names no model")
    try:
        folder = speech.found(model)
    except MediaError as error:
        return Finding(what=what, state="fails", detail=f"{error}. {error.hint or ''}".strip())
    if folder is None:
        detail = f"optional: the model {model} is not on this computer. {speech.how_to_get(model)}"
        return Finding(what=what, state="absent", detail=detail)
    return Finding(what=what, state="works", detail=f"faster-whisper with {model if speech.is_name(model) else folder}")


def download_model(screen: Screen, where: Workspace | None, name: str) -> None:
    """Bring a speech model to this computer, once.

    Args:
        screen: told what comes, how large it is, and how much of it has come.
        where: the workspace whose settings name the model, where `name` names none.
        name: of the model, or nothing.

    Raises:
        MediaError: there is no such model, it cannot be reached, or it cannot be kept.
    """
    show = workspace.read_show(where)[0] if where else None
    settings = show.speech if show else SpeechSettings(model=DEFAULT_MODEL)
    wanted = name or settings.model or DEFAULT_MODEL
    if not speech.is_name(wanted) and not name:
        hint = "Nothing needs to be downloaded; to download one all the same, name it after --download-model"
        raise MediaError("speech.model names a folder, not a model to download", source=wanted, hint=hint)
    offered = speech.offer(wanted)
    if speech.found(wanted) is not None:
        screen.say(f"The speech model {wanted} is on this computer already: {offered.folder}")
        return
    screen.say(f"Downloading the speech model {wanted}, {size_text(offered.size)}, to {offered.folder}")
    with screen.bytes_progress("Downloading", offered.size) as meter:
        speech.download(offered, meter.to)
    screen.say(f"The speech model {wanted} is whole. Transcripts are drafted on this computer from now on, offline.")


def _in_workspace(where: Workspace | None, show: Show | None) -> Iterator[Finding]:
    if where is None:
        detail = "this folder is in none; make one with: cln-media init"
        yield Finding(what="workspace", state="absent", detail=detail)
        return
    if show is None:
        yield Finding(what="workspace", state="fails", detail=f"{where.config} has errors: cln-media check lists them")
        return
    yield Finding(what="workspace", state="works", detail=str(where.root))
    yield _disk(where.root)
    yield from _storage(where, show)


def _disk(root: Path) -> Finding:
    free = shutil.disk_usage(root).free
    enough = free >= LEAST_FREE_BYTES
    detail = f"{size_text(free)} free" + ("" if enough else f"; a long recording needs {size_text(LEAST_FREE_BYTES)}")
    return Finding(what="disk space", state="works" if enough else "fails", detail=detail)


def _storage(where: Workspace, show: Show) -> Iterator[Finding]:
    def look() -> str:
        store = publish.open_store(show.storage, workspace=where.root)
        for problem in publish.check_access(store):
            raise MediaError(problem.message, source=problem.source, hint=problem.hint)
        return f"{store.address} can be read and written"

    found = _tried("storage", look)
    yield found
    if found.state == "works":
        try:
            honours = publish.honours(publish.open_store(show.storage, workspace=where.root))
        except MediaError as error:
            yield Finding(what="storage in detail", state="fails", detail=f"{error}. {error.hint or ''}".strip())
            return
        for honoured in honours:
            state: State = "works" if honoured.is_so else "fails" if honoured.is_needed else "absent"
            yield Finding(what=f"storage {honoured.what}", state=state, detail=honoured.detail)
