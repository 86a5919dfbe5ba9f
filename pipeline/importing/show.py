"""What a feed says of the show enters, the text of imported_show.toml leaves: a proposal, never a setting."""

from pipeline.importing.chapters import quoted
from pipeline.importing.old import OldShow

PROPOSAL_NAME = "imported_show.toml"
ARTWORK_STEM = "imported_artwork"


def proposal(show: OldShow, artwork: str | None) -> str:
    """Write what the old feed says of the show, in the form of [show] in cln_media.toml.

    Args:
        show: the show.
        artwork: the file its artwork was saved as, if it was.

    Returns:
        TOML; what the feed does not tell is a comment.
    """
    values = {
        "title": show.title,
        "description": show.description,
        "author": show.author,
        "owner_name": show.owner_name,
        "owner_email": show.owner_email,
        "language": show.language,
        "categories": list(show.categories) or None,
        "explicit": show.explicit,
        "copyright": show.copyright,
        "kind": "serial" if show.serial else "episodic",
        "guid": show.guid,
        "artwork": artwork,
    }
    lines = [
        "# What the old feed said of the show. Nothing reads this file: copy what you want into cln_media.toml.",
        "# Keep the guid, so that directories know the show again.",
        "",
        "[show]",
    ]
    for name, value in values.items():
        lines.append(f"# {name}: the old feed does not tell" if value is None else f"{name} = {_value(value)}")
    return "\n".join([*lines, ""])


def _value(value: str | bool | list[str]) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return quoted(value) if isinstance(value, str) else f"[{', '.join(map(quoted, value))}]"
