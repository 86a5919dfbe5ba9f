"""What Lighthouse says of a home page, an episode and a player of the sample network, served compressed."""

import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.request import Request, urlopen

from pipeline.cache import Cache
from tests import browser, network, serving

LIGHTHOUSE = "lighthouse@12.8.2"  # 185 MB with all it needs, so it is not among what the tests install
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
PAGES = ("", "episodes/meeting-06/", "embed/meeting-06/")
LEAST = {"performance": 98, "accessibility": 100, "best-practices": 100, "seo": 100}
_RUNS = 3  # of which the middle counts: other work on the machine slows a page down
_TEXTS = ("text/", "application/json", "application/manifest+json", "image/svg+xml")


def lighthouse() -> None:
    """The scores of three pages as a telephone gets them, the middle of three runs each; fails below what is asked."""
    poor = []
    with tempfile.TemporaryDirectory(prefix="cln-media-bench-") as folder, _served(Path(folder)) as home:
        program = _installed(Path(folder))
        for page in PAGES:
            wanted = CATEGORIES[:3] if page.startswith("embed/") else CATEGORIES  # players ask not to be indexed
            runs = [_audited(program, home + page, Path(folder), wanted) for _ in range(_RUNS)]
            scores = {name: sorted(run[name] for run in runs)[_RUNS // 2] for name in wanted}
            print(f"lighthouse {page or 'home':<22} " + ", ".join(f"{name} {score}" for name, score in scores.items()))
            poor += [f"{page}: {name} {score}" for name, score in scores.items() if score < LEAST[name]]
    if poor:
        raise SystemExit("below what is asked: " + "; ".join(poor))


def _installed(folder: Path) -> Path:
    (folder / "package.json").write_text("{}")
    npm = [str(Path(sys.executable).with_name("npm")), "install", "--prefix", str(folder)]
    quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    subprocess.run([*npm, *quiet, LIGHTHOUSE], env=_environment(), stdout=subprocess.DEVNULL, check=True)
    return folder / "node_modules/lighthouse/cli/index.js"


def _audited(program: Path, url: str, folder: Path, categories: tuple[str, ...]) -> dict[str, int]:
    chromium, arguments = browser.program(folder)
    flags = " ".join(["--headless=new", *arguments])
    node = shutil.which("node", path=_environment()["PATH"])
    command = [node or "node", str(program), url, "--quiet", "--output=json", f"--chrome-flags={flags}"]
    command.append(f"--only-categories={','.join(categories)}")
    ran = subprocess.run(command, env={**_environment(), "CHROME_PATH": chromium}, stdout=subprocess.PIPE, check=True)
    found = json.loads(ran.stdout)["categories"]
    return {name: round(100 * found[name]["score"]) for name in categories}


def _environment() -> dict[str, str]:
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    """Build the sample and serve it as hosts do: texts compressed, sound in ranges."""
    outside, inside = serving.free_port(), serving.free_port()
    files: dict[str, Path] = {}
    home = f"http://localhost:{outside}/"
    with closing(Cache(folder / ".cache")) as cache:
        site = network.write(network.edition(home, cache, files), files, folder, cache)
    handler = type("Handler", (_Compressing,), {"behind": f"http://127.0.0.1:{inside}"})
    with serving.serving(site, inside), ThreadingHTTPServer(("127.0.0.1", outside), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield home
        server.shutdown()


class _Compressing(BaseHTTPRequestHandler):
    """Passes on what the server behind it answers, texts compressed."""

    behind: str
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        wanted = {"Range": self.headers["Range"]} if "Range" in self.headers else {}
        with urlopen(Request(self.behind + self.path, headers=wanted)) as answer:  # noqa: S310  # our own server
            data, kind = answer.read(), answer.headers["Content-Type"]
            self.send_response(answer.status)
            for name in ("Content-Type", "Cache-Control", "Accept-Ranges", "Content-Range"):
                if name in answer.headers:
                    self.send_header(name, answer.headers[name])
        if kind.startswith(_TEXTS):
            data = gzip.compress(data, 6)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
