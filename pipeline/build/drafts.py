"""What a build drafts of an episode's words for a person to correct: missing notes."""

import dataclasses

from pipeline import pages, workspace
from pipeline.model import Episode, Show
from pipeline.workspace import Workspace


def with_notes(where: Workspace, show: Show, episode: Episode) -> Episode:
    """Return the episode with notes; those that are missing are drafted and written to notes.md."""
    if episode.notes is not None:
        return episode
    draft = pages.draft_notes(show, episode, templates=where.templates)
    workspace.write_draft(episode.path, workspace.NOTES_NAME, draft)
    return dataclasses.replace(episode, notes=draft)
