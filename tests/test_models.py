"""Speech models: found by name or folder, brought once by a person's command, never by a build."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline import speech
from pipeline.errors import SpeechError
from tests import hub, studio

ROOT = Path(__file__).parents[1]


def doctor(models: Path, *arguments: str, cwd: Path, endpoint: str) -> "subprocess.CompletedProcess[str]":
    """Run `cln-media doctor` as a person does."""
    environment = {"CLN_MEDIA_MODELS": str(models), "PYTHONPATH": str(ROOT), "HF_ENDPOINT": endpoint}
    environment |= {"HF_HOME": str(models / "hub"), "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    command = [sys.executable, "-m", "pipeline", "doctor", *arguments]
    return subprocess.run(
        command, cwd=cwd, env=os.environ | environment, capture_output=True, text=True, check=False, timeout=120
    )


@pytest.fixture(scope="module")
def served() -> Iterator[hub.Hub]:
    """Serve the small real model."""
    with hub.serving(studio.speech_model()) as server:
        yield server


def test_a_model_is_downloaded_once_whole_and_found_by_its_name(served: hub.Hub, tmp_path: Path) -> None:
    """The command says what comes and how large it is, checks it, and does not fetch it twice; then doctor finds it."""
    models = tmp_path / "models"
    done = doctor(models, "--download-model", "tiny.en", cwd=tmp_path, endpoint=served.address)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"Downloading the speech model tiny.en, 78.1 MB, to {models / 'tiny.en'}" in done.stdout
    assert {path.name for path in (models / "tiny.en").iterdir()} == {
        path.name for path in studio.speech_model().iterdir()
    }
    assert not list(models.glob(".*.part"))
    served.sent.clear()
    again = doctor(models, "--download-model", "tiny.en", cwd=tmp_path, endpoint=served.address)
    assert "on this computer already" in again.stdout
    assert served.sent == []
    root = studio.empty_workspace(tmp_path / "work")
    config = root / "cln_media.toml"
    config.write_text(config.read_text() + '\n[speech]\nmodel = "tiny.en"\n')
    found = json.loads(doctor(models, "--json", cwd=root, endpoint=served.address).stdout)
    assert {each["what"]: each["detail"] for each in found}["transcripts by machine"] == "faster-whisper with tiny.en"
    assert served.sent == []


def test_what_arrives_damaged_is_not_kept(served: hub.Hub, tmp_path: Path) -> None:
    """A model that is not as its makers published it is refused; the next command fetches only what was wrong."""
    served.damaged = "model.bin"
    done = doctor(tmp_path, "--download-model", "tiny.en", cwd=tmp_path, endpoint=served.address)
    served.damaged = None
    assert done.returncode == 1
    assert "model.bin of the model arrived damaged" in done.stderr
    assert not (tmp_path / "tiny.en").exists()
    served.sent.clear()
    again = doctor(tmp_path, "--download-model", "tiny.en", cwd=tmp_path, endpoint=served.address)
    assert again.returncode == 0
    assert served.sent == ["model.bin"]


@pytest.mark.parametrize(("status", "expected"), [(503, "answers 503"), (401, "answers 401")])
def test_what_the_hub_refuses_is_said(served: hub.Hub, tmp_path: Path, status: int, expected: str) -> None:
    """An error of the server is one sentence that names it."""
    served.status = status
    done = doctor(tmp_path, "--download-model", "tiny.en", cwd=tmp_path, endpoint=served.address)
    served.status = None
    assert done.returncode == 1
    assert expected in done.stderr
    assert len(done.stderr.splitlines()) == 2


def test_without_a_network_one_sentence_says_what_to_do(tmp_path: Path) -> None:
    """Where nobody answers, the command says so, and how a computer without internet gets the model."""
    done = doctor(tmp_path / "models", "--download-model", cwd=tmp_path, endpoint="http://127.0.0.1:9")
    assert done.returncode == 1
    error, hint = done.stderr.splitlines()
    assert error == "Error: the speech model small.en cannot be downloaded: http://127.0.0.1:9 does not answer."
    assert f"copy the model's folder from another computer to {tmp_path / 'models' / 'small.en'}" in hint


@pytest.mark.parametrize("name", ["small.xx", "../tiny.en", "Systran/faster-whisper-tiny"])
def test_only_known_models_are_downloaded(name: str, tmp_path: Path) -> None:
    """A name that is none lists those there are; nobody is asked."""
    done = doctor(tmp_path, "--download-model", name, cwd=tmp_path, endpoint="http://127.0.0.1:9")
    assert done.returncode == 1
    assert "there is no speech model" in done.stderr
    assert "small.en" in done.stderr


def test_a_model_is_found_by_name_or_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A named model that is not there, or not whole, is none; a folder that is not whole is an error."""
    monkeypatch.setenv("CLN_MEDIA_MODELS", str(tmp_path))
    assert speech.found(None) is None
    assert speech.found("tiny.en") is None
    shutil.copytree(studio.speech_model(), tmp_path / "tiny.en", copy_function=os.symlink)
    assert speech.found("tiny.en") == tmp_path / "tiny.en"
    (tmp_path / "tiny.en/tokenizer.json").unlink()
    assert speech.found("tiny.en") is None
    with pytest.raises(SpeechError, match=r"lacks tokenizer\.json"):
        speech.found(str(tmp_path / "tiny.en"))


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {"XDG_DATA_HOME": "/data"}, "/data/cln-media/models"),
        ("linux", {"XDG_DATA_HOME": "relative"}, "/home/me/.local/share/cln-media/models"),
        ("darwin", {}, "/home/me/Library/Application Support/cln-media/models"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/cln-media/models"),
        ("win32", {}, "/home/me/AppData/Local/cln-media/models"),
        ("linux", {"CLN_MEDIA_MODELS": "/models", "XDG_DATA_HOME": "/data"}, "/models"),
    ],
)
def test_models_lie_where_the_system_keeps_data(
    platform: str, variables: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each system has its folder for what programs keep; the environment goes before it."""
    for name in ("CLN_MEDIA_MODELS", "XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"HOME": "/home/me", **variables}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    assert speech.models_folder() == Path(expected)
