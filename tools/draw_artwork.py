"""Draw the emblem that the pages show, pipeline/static/icon.svg, and the sample show's artwork, artwork.png.

    python -m tools.draw_artwork

Both are committed; a test says when the emblem is not what the code draws: then run this.
"""

from pathlib import Path

from pipeline import artwork, pages, workspace
from pipeline.artwork import emblem
from pipeline.workspace import Workspace

ROOT = Path(__file__).resolve().parent.parent
ICON = ROOT / "pipeline/static/icon.svg"
ARTWORK = ROOT / "artwork.png"


def main() -> None:
    """Write both files."""
    ICON.write_text(emblem.icon(), encoding="utf-8", newline="\n")
    show, problems = workspace.read_show(Workspace(root=ROOT))
    if show is None:
        raise SystemExit("\n".join(problem.message for problem in problems))
    artwork.square(pages.show_caption(show), ARTWORK)
    for path in (ICON, ARTWORK):
        print(f"{path.name}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
