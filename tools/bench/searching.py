"""Making the search index, beside Pagefind alone on the same pages: wall time, CPU time, peak memory."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.bench.measuring import ROOT, Figures, measured


def searching() -> None:
    """200 and 1,000 episodes (200 a year) of 10,000 words each: at first, nothing changed, one changed; Pagefind."""
    for count in (200, 1000):
        with tempfile.TemporaryDirectory(prefix="cln-media-bench-") as folder:
            command = [sys.executable, "-m", "tools.bench.index_edition", str(count), folder]
            ran = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
            for name, costs in json.loads(ran.stdout).items():
                print(f"index of {count:5,}, {name:<13} {Figures(**costs)}")
            alone = [sys.executable, "-m", "pagefind_bin", "--site", "pages", "--output-path", "alone"]
            print(f"Pagefind alone, {count:5,}        {measured(alone, Path(folder))}")
