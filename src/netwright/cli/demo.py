"""`netwright demo`: a search with a limit on the built-in digits, beside a network without the limit."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from netwright.cli.asked import SearchOptions
from netwright.cli.output import say
from netwright.core.wording import table
from netwright.results.intervals import difference_interval, share_interval

if TYPE_CHECKING:
    from netwright.results.figures import Contender, Figures

MOST_PARAMS = 25_000
REFERENCE = "ResNet"
TEST_SHARE = 0.3  # of the 1,797 digits: more than usual, so that the result is told more exactly


def asked(time: str, seed: int, directory: Path, export: Path) -> SearchOptions:
    """The options of the search."""
    return SearchOptions(
        data="digits",
        space="residual",
        max_params=str(MOST_PARAMS),
        time=time,
        seed=seed,
        data_option=(f"test_share={TEST_SHARE}",),
        export=export,
        directory=directory,
    )


def typed(time: str, seed: int, directory: Path, export: Path) -> str:
    """The same search as a person types it."""
    words = ["netwright", "search", "digits", "--space", "residual", "--max-params", str(MOST_PARAMS), "--time", time]
    words += ["--seed", str(seed), "--data-option", f"test_share={TEST_SHARE}"]
    return shlex.join([*words, "--dir", str(directory), "--export", str(export)])


def demonstrate(time: str, seed: int, directory: Path, export: Path, *, quiet: bool) -> None:
    """Search, and say what came of it.

    time: for the search; the network beside it is trained afterwards, where it was not before.
    """
    from netwright.cli.planning import plan_of_search
    from netwright.cli.refusals import refuse_early
    from netwright.cli.search import begin

    options = asked(time, seed, directory, export)
    plan = plan_of_search(options)
    refuse_early(plan, directory, options.amounts, None, export)
    if not quiet:
        say(f"$ {typed(time, seed, directory, export)}", "")
    begin(plan, directory, None, export, as_json=False, quiet=quiet)
    say("", *lines(figures_of(directory, quiet=quiet)))


def figures_of(directory: Path, *, quiet: bool) -> Figures:
    """What was measured in the latest run, with a residual network beside it."""
    from netwright.cli.export import Found
    from netwright.results.figures import Figures

    found = Found(directory, None, "train", trust=False)
    figures = Figures.from_json((found.run.kept("final") or {})["figures"])
    if reference_of(figures) is not None:
        return figures
    return found.conclude(quiet=quiet, exact=True, final_seeds=1, baselines=True).figures


def reference_of(figures: Figures) -> Contender | None:
    """The residual network that stands beside the one that was found; None where there was no time for it."""
    return next((each for each in figures.baselines if each.name.startswith(REFERENCE)), None)


def lines(figures: Figures) -> list[str]:
    """The outcome in a table and a sentence."""
    found, reference = figures.winner, reference_of(figures)
    rows = [("", "parameters", f"at most {MOST_PARAMS:,}", "test accuracy", "95 % interval")]
    for each in (found, *([reference] if reference else [])):
        low, high = share_interval(each.mean, figures.test_examples)
        holds = "yes" if (each.params or 0) <= MOST_PARAMS else "no"
        interval = f"{100 * low:.2f} to {100 * high:.2f} %"
        rows.append((each.name, f"{each.params or 0:,.0f}", holds, f"{100 * each.mean:.2f} %", interval))
    return [*table(rows[0], rows[1:]), "", sentence(figures)]


def sentence(figures: Figures) -> str:
    """How the two compare, with the interval of their difference by the choice of the test examples."""
    found, reference, n = figures.winner, reference_of(figures), figures.test_examples
    if reference is None:
        return "No residual network could be trained beside it."
    low, high = difference_interval(found.mean, reference.mean, n)
    points, share = 100 * (found.mean - reference.mean), (found.params or 0) / (reference.params or 1)
    return (
        f"{100 * share:.0f} % of the parameters of {reference.name}, and {points:+.2f} points of test accuracy against "
        f"it: 95 % interval {100 * low:+.2f} to {100 * high:+.2f}, by the choice of the {n} test examples."
    )
