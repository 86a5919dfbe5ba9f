"""A whole site of 1,000 episodes with 10,000 words each, built by us and by Hugo in the same run."""

import hashlib
import json
import os
import random
import shutil
import subprocess
import tempfile
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import imageio_ffmpeg

from tools.bench.measuring import PROGRAM, ROOT, Figures, measured

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}
EPISODES, WORDS = 1_000, 10_000
_WORDS_OF_A_CUE, _CUE_MS = 12, 4_200
_CONFIG = """
[show]
title = "Learning sets"
description = "What clinical leaders learn from one another."
author = "Clinical Leaders Network"
owner_name = "Communications team"
owner_email = "podcast@cln.example"
language = "en-GB"
categories = ["Government"]
artwork = "artwork.png"
artwork_alt = "Two strands"

[site]
url = "http://localhost:8321/"
search = false

[[regions]]
id = "north-west"
name = "North West"

[[regions]]
id = "london"
name = "London"

[[feeds]]
name = "north-west"
title = "Learning sets: North West"
region = "north-west"

[trust]
public = []
names = "off"
"""
_EPISODE = """
guid = "urn:uuid:00000000-0000-4000-8000-{number:012d}"
title = "What month {number} taught us"
summary = "What the set of that month learned."
region = "{region}"
topics = ["topic {topic}"]
published = 2024-01-01T{hour:02}:{minute:02}:00Z
keep_audio = true

[consent]
room = "all-agreed"
reference = "Notice 1"

[[sources]]
file = "recording.mp3"
sha256 = "{sha256}"

[[speakers]]
role = "Chair"
consent = {{ scope = ["voice", "transcript", "region", "public"], recorded_on = 2023-12-01, reference = "r" }}

[[speakers]]
role = "GP"
consent = {{ scope = ["voice", "transcript", "region", "public"], recorded_on = 2023-12-01, reference = "r" }}
"""


def words(count: int) -> list[str]:
    """Make pseudo words that no rule takes for anything."""
    made = random.Random(1)  # noqa: S311
    vowels, others = "aeiou", "bcdfglmnprstv"
    return ["".join(made.choice(others) + made.choice(vowels) for _ in range(made.randint(1, 4))) for _ in range(count)]


def workspace(root: Path, episodes: int) -> None:
    """Make a workspace of that many episodes, each with an hour of quiet sound and the words of an hour."""
    root.mkdir(parents=True)
    (root / "cln_media.toml").write_text(_CONFIG)
    shutil.copy(ROOT / "artwork.png", root)
    sound = root / "recording.mp3"
    source = ["-f", "lavfi", "-i", "anoisesrc=a=0.3:r=16000:d=3600"]
    subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *source, "-ac", "1", "-b:a", "8k", sound], check=True
    )
    sha256 = hashlib.sha256(sound.read_bytes()).hexdigest()
    vocabulary, chosen = words(20_000), random.Random(2)  # noqa: S311
    for number in range(episodes):
        if number == 1:  # the same sound for all: mastered once, before the others are there
            subprocess.run([*PROGRAM, "--quiet", "build"], cwd=root, env=ENVIRONMENT, check=True)
        folder = root / f"episodes/episode-{number:04}"
        folder.mkdir(parents=True)
        (folder / "recording.mp3").hardlink_to(sound)
        values = {"number": number, "region": ("london", "north-west")[number % 2], "topic": number % 12}
        values |= {"hour": number // 60 % 24, "minute": number % 60, "sha256": sha256}
        (folder / "episode.toml").write_text(_EPISODE.format(**values))
        (folder / "notes.md").write_text(f"What we learned in month {number}.\n\n- One thing\n- Another\n")
        (folder / "transcript.vtt").write_text(_vtt(chosen.choices(vocabulary, k=WORDS)))


def _vtt(said: list[str]) -> str:
    lines = ["WEBVTT\n"]
    for number, start in enumerate(range(0, len(said), _WORDS_OF_A_CUE)):
        begin, speaker = number * _CUE_MS, ("Chair", "GP")[number // 10 % 2]
        times = f"{_time(begin)} --> {_time(begin + _CUE_MS - 200)}"
        lines.append(f"{times}\n<v {speaker}>{' '.join(said[start : start + _WORDS_OF_A_CUE])}.\n")
    return "\n".join(lines)


def _time(ms: int) -> str:
    return f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02}.{ms % 1000:03}"


def hugo_site(root: Path, episodes: int) -> None:
    """Make a site of the same episodes and words for Hugo, with its own lists, terms, feeds and sitemap."""
    vocabulary, chosen = words(20_000), random.Random(2)  # noqa: S311
    for name, text in _HUGO.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
    content = root / "content/episodes"
    content.mkdir(parents=True)
    for number in range(episodes):
        head = {"title": f"What month {number} taught us", "regions": [("london", "north-west")[number % 2]]}
        head |= {"topics": [f"topic {number % 12}"], "date": f"2024-01-01T{number // 60 % 24:02}:{number % 60:02}:00Z"}
        notes = f"What we learned in month {number}.\n\n- One thing\n- Another\n"
        said = chosen.choices(vocabulary, k=WORDS)
        text = f"{json.dumps(head, indent=1)}\n\n{notes}\n{''.join(_paragraphs(said))}"
        (content / f"episode-{number:04}.md").write_text(text)


def _paragraphs(said: list[str]) -> Iterator[str]:
    """Set the words as our own pages do: a paragraph of ten cues, with a link to its moment."""
    size = _WORDS_OF_A_CUE * 10
    for number, start in enumerate(range(0, len(said), size)):
        second = number * 10 * _CUE_MS // 1000
        speaker = ("Chair", "GP")[number % 2]
        yield f'<p id="t={second}"><cite>{speaker}</cite> <a href="#t={second}">{second // 60}:{second % 60:02}</a> '
        yield f"{' '.join(said[start : start + size])}.</p>\n"


def building() -> None:
    """1,000 episodes of 10,000 words: every page and feed, nothing changed, one notes file changed; Hugo beside."""
    hugo = shutil.which("hugo")
    if hugo is None:
        raise SystemExit("Hugo is missing: install the package hugo")
    with tempfile.TemporaryDirectory(prefix="cln-media-bench-") as scratch:
        ours, theirs = Path(scratch, "ours"), Path(scratch, "hugo")
        workspace(ours, EPISODES)
        hugo_site(theirs, EPISODES)
        _show("ours, first of all (with its search for identifiers)", _built(ours))
        shutil.rmtree(ours / "site")
        first = _built(ours)
        _show("ours, every page and feed", first)
        other = measured([hugo, "--quiet"], theirs)
        _show("Hugo, every page and feed", other)
        print(f"{'ours / Hugo, wall':<56}{first.wall_s / other.wall_s:8.2f}")
        time.sleep(3)  # what was written a moment ago is not relied on
        _built(ours)
        _show("ours, nothing changed", _built(ours))
        notes = ours / f"episodes/episode-{EPISODES // 2:04}/notes.md"
        notes.write_text(f"{notes.read_text()}\nAnd a third.\n")
        _show("ours, one notes file changed", _built(ours))


def _built(root: Path) -> Figures:
    return measured([*PROGRAM, "--quiet", "build"], root)


def _show(what: str, figures: Figures) -> None:
    print(f"{what:<56}{figures}")


_HUGO = {
    "hugo.toml": """
        baseURL = "http://localhost:8321/"
        title = "Learning sets"
        languageCode = "en-GB"
        paginate = 50
        [taxonomies]
        region = "regions"
        topic = "topics"
        [markup.goldmark.renderer]
        unsafe = true
        """,
    "layouts/_default/baseof.html": """
        <!DOCTYPE html>
        <html lang="en-GB"><head><meta charset="utf-8"><title>{{ .Title }} - {{ .Site.Title }}</title>
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <link rel="canonical" href="{{ .Permalink }}">
        {{ range .AlternativeOutputFormats }}<link rel="{{ .Rel }}" type="{{ .MediaType.Type }}"
        href="{{ .Permalink }}">{{ end }}
        </head><body><header><a href="/">{{ .Site.Title }}</a><nav><a href="/">Home</a><a href="/episodes/">All</a>
        <a href="/regions/">Regions</a><a href="/topics/">Topics</a></nav></header>
        <main>{{ block "main" . }}{{ end }}</main><footer><p>{{ .Site.Title }}</p></footer></body></html>
        """,
    "layouts/_default/single.html": """
        {{ define "main" }}<h1>{{ .Title }}</h1><audio controls src="/media/{{ .File.BaseFileName }}.mp3"></audio>
        <dl><dt>Published</dt><dd>{{ .Date.Format "2 January 2006" }}</dd>
        <dt>Region</dt><dd>{{ range .GetTerms "regions" }}<a href="{{ .RelPermalink }}">{{ .Title }}</a>{{ end }}</dd>
        <dt>Topics</dt><dd>{{ range .GetTerms "topics" }}<a href="{{ .RelPermalink }}">{{ .Title }}</a>{{ end }}</dd>
        </dl>
        {{ .Content }}
        {{ with .PrevInSection }}<a href="{{ .RelPermalink }}">{{ .Title }}</a>{{ end }}
        {{ with .NextInSection }}<a href="{{ .RelPermalink }}">{{ .Title }}</a>{{ end }}{{ end }}
        """,
    "layouts/_default/list.html": """
        {{ define "main" }}<h1>{{ .Title }}</h1><ul>{{ range .Paginator.Pages }}
        <li><a href="{{ .RelPermalink }}">{{ .Title }}</a> {{ .Date.Format "2 January 2006" }}</li>{{ end }}</ul>
        {{ template "_internal/pagination.html" . }}{{ end }}
        """,
}
