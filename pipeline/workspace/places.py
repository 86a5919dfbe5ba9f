"""The folders and file names of a workspace."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pipeline.model import Chapter, Transcript

CONFIG_NAME = "cln_media.toml"
EPISODE_NAME = "episode.toml"
NOTES_NAME = "notes.md"
CHAPTERS_NAME = "chapters.toml"
TRANSCRIPT_NAMES = ("transcript.vtt", "transcript.srt")
REVIEW_NAME = "review.toml"
SIGN_OFF_NAME = "sign-off.toml"
DRAFTS_NAME = "drafts"  # the folder that keeps what machines made of an episode, as they made it
SUMMARY_NAME = "summary.md"  # in that folder: what a program answered that drafted notes
PREVIOUS_NAME = "previous"  # in that folder: versions of a file that a person had made
HEARD_NAME = "heard.json"  # in that folder
BROUGHT_START = "brought-"  # in that folder, of the name of a transcript as it was when somebody brought it
ABOUT_NAME = "about.md"
PRIVACY_NAME = "privacy.md"
STATEMENT_NAME = "accessibility.toml"
STANDING_NAMES = (ABOUT_NAME, PRIVACY_NAME, STATEMENT_NAME)
ARTWORK_NAME = "artwork.png"
COVER_NAMES = ("cover.jpg", "cover.jpeg", "cover.png")


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """The folders of a workspace."""

    root: Path

    @property
    def config(self) -> Path:
        """The settings file."""
        return self.root / CONFIG_NAME

    @property
    def artwork(self) -> Path:
        """The show's artwork, where the settings name no other."""
        return self.root / ARTWORK_NAME

    @property
    def episodes(self) -> Path:
        """The folder with a folder for each episode."""
        return self.root / "episodes"

    @property
    def withdrawals(self) -> Path:
        """The folder that says what was taken back for good, a file each."""
        return self.root / "withdrawals"

    @property
    def trail(self) -> Path:
        """The file that says who did what, line after line."""
        return self.root / "audit.jsonl"

    @property
    def templates(self) -> Path:
        """The folder of templates that replace the default ones."""
        return self.root / "templates"

    @property
    def site(self) -> Path:
        """The folder that `build` writes."""
        return self.root / "site"

    @property
    def cache(self) -> Path:
        """The folder of slow results; safe to delete."""
        return self.root / ".cache"

    def name(self, path: Path) -> str:
        """Name a path as people see it: below the root, with forward slashes."""
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else str(path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Readers:
    """The functions that read the words of an episode, handed in by the caller: no stage imports another."""

    transcript: Callable[..., Transcript]
    chapters: Callable[..., tuple[Chapter, ...]]
