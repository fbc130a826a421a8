"""What does an open page cost a search that runs? The same search alone and watched, in turn.

    python benchmarks/watched_search.py [--pairs 5] [--trials 150] [--end ""] [--prefix "chrt -r 1"]
    python benchmarks/watched_search.py --before 10000 [--seconds 60] [--end ""]

The search and `netwright serve` have one core, so that whatever the pages take is taken from the search; the browser
has another. The page is opened as the search begins and follows it to its end: `--end` says which (/trials, /charts).
Told are, of each pair, trials a minute by the clock, the search's processor time, and the server's: to open the page,
and then as a share of the time. With `--before` nothing is searched: trials are written into a run that has so many
already, five a second. `--prefix` goes before the commands that are timed, as "chrt -r 1" on a busy machine. Needs
Chromium and playwright; `--no-browser` opens no page, which tries the script itself.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import numpy as np

import netwright as nw
from big_project import BEGUN, trial, write
from netwright.store import Asked, Store, Told

RUN, RATE = "run", 5.0
WARM = 8.0  # seconds after which a server has imported what it imports ahead
OPENED = 3.0  # seconds after which a page shows everything
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or ""
CORES = sorted(os.sched_getaffinity(0))


def main() -> None:
    options = arguments()
    if options.child:
        search(Path(options.child), options.trials)
    elif options.before:
        grown(options)
    else:
        compared(options)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--trials", type=int, default=150)
    parser.add_argument("--end", default="", help="of the page's address, after /runs/NAME")
    parser.add_argument("--prefix", default="", help="before the commands that are timed")
    parser.add_argument("--before", type=int, default=0, help="trials of a run that grows, in place of a search")
    parser.add_argument("--seconds", type=float, default=60.0, help="that the run grows")
    parser.add_argument("--no-browser", action="store_true")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    return parser.parse_args()


def search(directory: Path, trials: int) -> None:
    """In a process of its own: one search, then its seconds and processor seconds as JSON."""
    space = nw.spaces.Mlp()
    estimator = nw.estimators.Training(space, nw.tasks.digits(), epochs=2, device="cpu")
    strategy = nw.strategies.RegularizedEvolution(space)
    began, spent = time.perf_counter(), time.process_time()
    nw.Search(strategy, estimator, seed=0).run(trials=trials, store=directory, name=RUN, progress=False)
    print(json.dumps({"seconds": time.perf_counter() - began, "processor": time.process_time() - spent}))


def compared(options: argparse.Namespace) -> None:
    clocks, searches, servers = list[float](), list[float](), list[float]()
    for pair in range(options.pairs):
        order = (False, True) if pair % 2 == 0 else (True, False)
        found = {watched: one(options, watched=watched) for watched in order}
        alone, beside = found[False], found[True]
        clocks.append(beside["seconds"] / alone["seconds"] - 1)
        searches.append(beside["processor"] / alone["processor"] - 1)
        servers.append(beside["share"])
        rates = [60 * options.trials / each["seconds"] for each in (alone, beside)]
        print(
            f"pair {pair + 1}: {rates[0]:.0f} trials a minute alone, {rates[1]:.0f} watched; opening the page took "
            f"{beside['opening']:.2f} s of the server, then {servers[-1]:.2%} of the time",
            flush=True,
        )
    print(f"watched, by the clock: {spread(clocks)}; the search's processor time: {spread(searches)}")
    print(f"the server, once the page is there: {spread(servers)} of one core")


def spread(values: list[float]) -> str:
    middle = statistics.median(values)
    return f"{middle:+.2%} (n = {len(values)}, {min(values):+.2%} to {max(values):+.2%})"


def one(options: argparse.Namespace, *, watched: bool) -> dict[str, float]:
    """One search in a project of its own, with or without pages and a page."""
    with tempfile.TemporaryDirectory() as folder:
        words = [*first_core(options), sys.executable, __file__, "--child", folder, "--trials", str(options.trials)]
        if not watched:
            return json.loads(subprocess.run(words, check=True, capture_output=True).stdout)
        with served(folder, options) as (address, processor), page(options) as visit:
            time.sleep(0 if options.no_browser else WARM)
            first = processor()
            with subprocess.Popen(words, stdout=subprocess.PIPE) as child:
                while not there(f"{address}api/runs/{RUN}") and child.poll() is None:
                    time.sleep(0.05)
                visit(f"{address}runs/{RUN}{options.end}")
                time.sleep(0 if options.no_browser else OPENED)
                opened, began = processor(), time.perf_counter()
                told = child.communicate()[0]
                taken = time.perf_counter() - began
            return {**json.loads(told), "opening": opened - first, "share": (processor() - opened) / max(taken, 0.01)}


def there(address: str) -> bool:
    """Whether the server has this address."""
    try:
        return urlopen(address).status == 200
    except HTTPError:
        return False


def grown(options: argparse.Namespace) -> None:
    """Write into a run that is large already, and tell what the pages take meanwhile."""
    with tempfile.TemporaryDirectory() as folder:
        with Store(folder) as store:
            write(store, RUN, options.before, 100, 4, 2, 0)
        with served(folder, options) as (address, processor), page(options) as visit:
            time.sleep(0 if options.no_browser else WARM)
            with Store(folder) as store:
                store.set_state(RUN, "running", "", 1.0)
                visit(f"{address}runs/{RUN}{options.end}")
                time.sleep(0 if options.no_browser else OPENED)
                before, began = processor(), time.perf_counter()
                written = grow(store, options.before, options.seconds)
            spent, taken = processor() - before, time.perf_counter() - began
    print(f"{written} trials after {options.before:,} in {taken:.0f} s: the server took {spent / taken:.2%} of a core")


def grow(store: Store, count: int, seconds: float) -> int:
    """Write trials at an even rate; how many."""
    writer, rng, began, written = store.writer(RUN, lambda: 1.0), np.random.default_rng(1), time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        number = count + written
        found = trial(number, [], 100, rng)
        question = Asked(number, number, 1, found.proposal, BEGUN + number)
        writer.add(Told(question, number, found, "", question.started + 1))
        writer.wait()
        written += 1
        time.sleep(max(0.0, began + written / RATE - time.perf_counter()))
    writer.close()
    return written


@contextlib.contextmanager
def served(folder: str, options: argparse.Namespace) -> Generator[tuple[str, Callable[[], float]]]:
    """Inside, pages are served; gives their address, and what tells the server's processor seconds."""
    words = [*first_core(options), sys.executable, "-m", "netwright.cli", "serve", "--quiet", "--dir", folder]
    with subprocess.Popen([*words, "--port", "0"], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        address = server.stdout.readline().strip()
        assert address, "the server did not begin"
        try:
            yield address, lambda: processor_of(server.pid)
        finally:
            server.terminate()


def processor_of(process: int) -> float:
    """Processor seconds of a process so far, system time included."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def page(options: argparse.Namespace) -> Generator[Callable[[str], Any]]:
    """Inside, a browser on the last core; gives what opens an address in it."""
    if options.no_browser:
        yield lambda _: None
        return
    from playwright.sync_api import sync_playwright

    os.sched_setaffinity(0, CORES[-1:])  # the browser's processes inherit it
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser.new_page(viewport={"width": 1280, "height": 900}).goto
        browser.close()
    os.sched_setaffinity(0, CORES)


def first_core(options: argparse.Namespace) -> list[str]:
    """The words before a command that has the first core for itself and the other of these."""
    return ["taskset", "-c", str(CORES[0]), *options.prefix.split()]


if __name__ == "__main__":
    main()
