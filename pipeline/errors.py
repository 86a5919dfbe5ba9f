"""The tree of errors a user can cause or mend; everything else that is raised is our own bug.

MediaError
├── ConfigError      cln_media.toml or episode.toml is wrong
├── WorkspaceError   a folder or file of the workspace is missing, foreign or without rights
├── IngestError      a recording cannot become an episode
├── AudioError       sound that cannot be read, measured or mastered
├── TagError         tags that cannot be written, or do not read back
├── ArtworkError     an image that cannot be used
├── WordsError       notes, chapters or a transcript that cannot be read
├── SpeechError      the recogniser or its model is not usable
├── FeedError        a feed that would be invalid
├── TemplateError    a template that cannot be found or rendered
├── SearchError      the search index cannot be made
├── StorageError     the store cannot be reached, read or written
│   └── BusyError    somebody else is publishing
└── PreviewError     the preview server cannot start
"""

from pathlib import Path


class MediaError(Exception):
    """Something a user can mend: what is wrong, where, and what to do next.

    Args:
        message: one sentence, without a full stop, that says what is wrong.
        source: the file, folder or address the message is about.
        hint: one sentence with the next action.
    """

    def __init__(self, message: str, *, source: Path | str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.source = source
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.source}: {self.message}" if self.source is not None else self.message


class ConfigError(MediaError):
    """cln_media.toml or episode.toml is wrong."""


class WorkspaceError(MediaError):
    """A folder or file of the workspace is missing, foreign or without rights."""


class IngestError(MediaError):
    """A recording cannot become an episode."""


class AudioError(MediaError):
    """Sound that cannot be read, measured or mastered."""


class TagError(MediaError):
    """Tags that cannot be written, or do not read back as written."""


class ArtworkError(MediaError):
    """An image that cannot be used as artwork or cover."""


class WordsError(MediaError):
    """Notes, chapters or a transcript that cannot be read."""


class SpeechError(MediaError):
    """The speech recogniser or its model is not usable."""


class FeedError(MediaError):
    """A feed that would be invalid."""


class TemplateError(MediaError):
    """A template that cannot be found or rendered."""


class SearchError(MediaError):
    """The search index cannot be made."""


class StorageError(MediaError):
    """The store cannot be reached, read or written."""


class BusyError(StorageError):
    """Somebody else is publishing, or has published since the plan was made."""


class PreviewError(MediaError):
    """The preview server cannot start."""
