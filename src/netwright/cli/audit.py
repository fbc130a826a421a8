"""`netwright audit`: do the shared weights of a run rank networks as training each of them alone would?"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netwright.cli.output import say, say_json
from netwright.cli.sharing import of_run, work_of
from netwright.cli.show import PLAN, named
from netwright.cli.stopping import stoppable
from netwright.cli.trust import stored_plan
from netwright.cli.workers import LOGS, chosen, working
from netwright.core.errors import ConfigurationError, UserError
from netwright.core.inside import inside

if TYPE_CHECKING:
    from netwright.cli.plan import Plan
    from netwright.engine.run import Run
    from netwright.store import Store


def audit_run(
    directory: Path,
    run: str | None,
    *,
    networks: int,
    epochs: int,
    time: str | None,
    table: Path | None,
    metric: str | None,
    seed: int,
    where: Mapping[str, Any] | None = None,
    trust: bool = False,
    as_json: bool,
    quiet: bool,
) -> None:
    """Audit a stored run, by default the latest with shared weights, and print what was found.

    where: the trainings run, as options of a `Plan`: workers, executor, address. trust: see `stored_plan`.
    """
    for name, value, least in (("networks", networks, 1), ("epochs", epochs, 1)):
        if value < least:
            raise ConfigurationError(f"--{name} {value}: expected a whole number of at least {least}")
    if (table is None) != (metric is None):
        raise ConfigurationError("--table and --metric go together: a CSV file, and its column of true scores")
    from netwright.benchmarks.auditing import audit
    from netwright.cli.plan import Plan
    from netwright.results.audit import audit_lines

    at = Plan(data="", **(where or {}))  # of which only the workers count
    plan, found = _load(directory, run, trust=trust)
    told = None if quiet or as_json else lambda line: say(line, stream=sys.stderr)
    shared = None
    if chosen(at) == "folder":
        work = work_of("audit", plan, epochs=epochs)
        shared = of_run(directory, found.name, work, aloud=told is not None)
    with stoppable(), working(at, inside(directory, LOGS, f"{found.name}-audit"), shared) as executor:
        audited = audit(
            found,
            networks=networks,
            epochs=epochs,
            table=table,
            metric=metric,
            seed=seed,
            limit=time,
            on_progress=told,
            executor=executor,
        )
    if as_json:
        say_json(audited.as_json())
    else:
        say(*audit_lines(audited))


def _load(directory: Path, run: str | None, *, trust: bool) -> tuple[Plan, Run]:
    from netwright.store import Store

    with Store.open_readonly(directory) as store:
        name = _latest(store) if run is None else named(store, run)
        notes = store.document(name, PLAN)
    if notes is None:
        raise UserError(
            f"run {name!r} was made from Python, which alone knows its parts; audit it there: "
            "netwright.benchmarks.auditing.audit(run)"
        )
    plan = stored_plan(notes, directory, trust=trust, runs=False)
    task = plan.make_task(directory)
    return plan, plan.make_search(task, plan.make_space(task)).load(directory, name)


def _latest(store: Store) -> str:
    """The latest run that trained shared weights."""
    from netwright.engine.rounds import FOLDER

    for name in reversed(store.names()):
        if (store.directory / FOLDER / name).is_dir():
            return name
    raise UserError(f"no run in {store.directory} trained shared weights; begin one with: netwright search --recipe")
