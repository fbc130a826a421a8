"""`make pictures`: the pictures of docs/pictures, of one real search on the digits that takes a minute or two.

terminal.svg is the table of the running search; page.png, page-front.png, page-trial.png pages on it in a browser
(Chromium must be there, without it the old ones stay); front.svg is its front, found-network.svg the best network, and
darts-v2.svg and difference.svg are two published cells.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from netwright import Run, Search
from netwright.cli.progress import Display
from netwright.core.trial import Trial
from netwright.drawings import draw_architecture, draw_difference, draw_network
from netwright.estimators import Training
from netwright.methods import nsga2
from netwright.spaces import FreeGraph, published
from netwright.tasks import digits

FOLDER = Path(__file__).parents[1] / "docs" / "pictures"
COMMAND = "netwright search digits --space free-graph --strategy nsga2 --objective val_accuracy --objective params"
COMMAND += ' --limit "params <= 20k" --trials 64 --epochs 2'
TRIALS, AFTER = 64, 45  # trials, and after which the terminal is shown
NAME = "digits-free-graph-nsga2-1"
WIDTH = 104  # letters of the terminal
SIZE = {"width": 1200, "height": 760}  # pixels of the page
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FONT = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"


def searched(directory: Path) -> tuple[Run, str]:
    """A search of two objectives, and the picture of the terminal in the midst of it."""
    task, space = digits(), FreeGraph()
    search = Search(
        nsga2(space),
        Training(space, task, epochs=2),
        objective=["val_accuracy", "params"],
        constraints=["params <= 20k"],
        seed=1,
    )
    display, shown = Display(list(search.objectives), TRIALS, None, quiet=True), []

    def watch(trial: Trial) -> None:
        display(trial)
        if trial.number == AFTER and not shown:
            shown.append(terminal(display._table()))

    return search.run(trials=TRIALS, store=directory, name=NAME, on_trial=watch), shown[0]


def terminal(view: Any) -> str:
    """What stands in the terminal, as SVG without fonts from elsewhere."""
    from rich._export_format import CONSOLE_SVG_FORMAT
    from rich.console import Console

    console = Console(record=True, width=WIDTH, file=io.StringIO(), color_system="truecolor", force_terminal=True)
    console.print(f"[bold green]$[/] {COMMAND}\n", highlight=False, soft_wrap=False)
    console.print(view)
    form = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL).replace(
        "Fira Code, monospace", FONT
    )
    return console.export_svg(title="netwright", code_format=form, unique_id="terminal")


def front(directory: Path) -> str:
    """The chart of the front, as `netwright plot RUN front` writes it."""
    from netwright.charts import RunData, find
    from netwright.store import Store

    with Store.open_readonly(directory) as store:
        return find("front").figure(RunData.read(store, NAME)).svg()


def pages(directory: Path, trial: int, folder: Path) -> bool:
    """Pictures of pages on the run in a browser; False where there is no browser."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        return False
    words = [sys.executable, "-c", "from netwright.cli.main import main; main()", "serve", "--port", "0", "--quiet"]
    # Beside the project, so that the commands on the pages are those of the usual one.
    path = os.pathsep.join(str(Path(each).resolve()) for each in sys.path if each)
    here = {"cwd": directory.parent, "env": {**os.environ, "PYTHONPATH": path}}
    serving = subprocess.Popen(
        [*words, "--dir", directory.name],
        stdout=subprocess.PIPE,
        text=True,
        **here,  # pyright: ignore
    )
    try:
        assert serving.stdout is not None
        link = serving.stdout.readline().strip()
        ends = {"page.png": "", "page-front.png": "/front", "page-trial.png": f"/trials/{trial}"}
        for name, end in ends.items():
            (folder / name).write_bytes(_few_colours(_photographed(browser, link, end)))
    finally:
        serving.terminate()
        serving.wait()
    return True


def _photographed(browser: str, link: str, end: str) -> bytes:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as tool:
        opened = tool.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        seen = opened.new_page(viewport=SIZE)  # pyright: ignore[reportArgumentType]
        seen.goto(f"{link.partition('?')[0].rstrip('/')}/runs/{NAME}{end}")
        seen.wait_for_timeout(10_000)  # the charts
        return seen.screenshot()


def _few_colours(picture: bytes) -> bytes:
    """The same with 64 colours, which makes it a third as large."""
    from PIL import Image

    file = io.BytesIO()
    Image.open(io.BytesIO(picture)).convert("RGB").quantize(64, dither=Image.Dither.NONE).save(
        file, "PNG", optimize=True
    )
    return file.getvalue()


def write(name: str, text: str) -> None:
    (FOLDER / name).write_text(text if text.endswith("\n") else f"{text}\n", encoding="utf-8")


def main() -> None:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    FOLDER.mkdir(exist_ok=True)
    first, second = (published(name).made(cells=8, channels=16) for name in ("darts_v1", "darts_v2"))
    write("darts-v2.svg", draw_architecture(*second, title="darts_v2 (Liu et al. 2019)").svg())
    write("difference.svg", draw_difference(first[1], second[1], title="from darts_v1 to darts_v2").svg())
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder) / "netwright-runs"
        run, shown = searched(directory)
        write("terminal.svg", shown)
        best = run.best.architecture
        network = best.space.build(best, digits().shape)
        write("found-network.svg", draw_network(network, digits().shape.input, title="the best on the digits").svg())
        write("front.svg", front(directory))
        there = pages(directory, run.best.number, FOLDER)
    for path in sorted(FOLDER.iterdir()):
        sys.stdout.write(f"{path.name:16} {path.stat().st_size / 1000:6.1f} kB\n")
    if not there:
        sys.stdout.write(f"the pages stay as they were: found none of {', '.join(BROWSERS)}\n")


if __name__ == "__main__":
    main()
