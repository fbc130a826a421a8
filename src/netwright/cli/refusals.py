"""What can be refused from the words of a command alone, before any data is read."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from inspect import Parameter, signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netwright.catalogue import load, pairs, split
from netwright.catalogue.loading import own
from netwright.cli.own_networks import named
from netwright.core.configuration import bind, constructor
from netwright.core.errors import ConfigurationError, MissingExtra, UserError, nearest
from netwright.core.objective import Constraint, Objective
from netwright.store.directory import DATABASE

if TYPE_CHECKING:
    from netwright.catalogue.reading import Kind
    from netwright.cli.plan import Plan

ANY = (Parameter.VAR_KEYWORD, Parameter.VAR_POSITIONAL)


def refuse_early(
    plan: Plan, directory: Path, amounts: dict[str, str | None], name: str | None = None, export: Path | None = None
) -> None:
    """Raise UserError for what no data can make right.

    amounts: the limits given as options of their own, by option. name: of the run. export: where it is written to.
    """
    if plan.seed < 0:
        raise ConfigurationError(f"--seed {plan.seed}: expected a whole number of at least 0")
    _refuse_directory(directory, name)
    for option, amount in amounts.items():
        _refuse_amount(option, amount)
    for limit in plan.limits:
        Constraint.parse(limit)
    for objective in plan.objectives:
        Objective.parse(objective)
    if export is not None:
        refuse_export(plan, export)
    elif plan.formats != "torch":
        raise ConfigurationError(f"--format {plan.formats} says how a result is exported; say where by --export FOLDER")
    _refuse_parts(plan)
    _refuse_metrics(plan)
    refuse_place(plan)


def refuse_export(plan: Plan, export: Path) -> None:
    """UserError where there is nothing to export, or the folder is not free or not writable."""
    from netwright.results import check_target, formats_of
    from netwright.runtimes.onnx_file import require_onnx

    if "onnx" in formats_of(plan.formats):
        require_onnx()
    if not plan.epochs_finally:
        raise UserError("--export needs a final training; leave out --final-epochs 0")
    check_target(export)
    _refuse_unwritable("--export", export)


def refuse_place(plan: Plan) -> None:
    """UserError for a device that is not there, and for an executor whose packages are not installed."""
    from importlib.util import find_spec

    from netwright.cli.workers import chosen
    from netwright.core.placing import chosen_device

    chosen_device(plan.device)
    if chosen(plan) == "ray" and find_spec("ray") is None:
        raise MissingExtra("ray", "ray")


def _refuse_directory(directory: Path, name: str | None) -> None:
    """UserError for a project directory in which no run of this name can be begun."""
    from netwright.engine.identity import check_name
    from netwright.store import Store

    if directory.exists() and not directory.is_dir():
        raise UserError(f"--dir {directory}: this is a file; expected a directory, or a name that is free")
    _refuse_unwritable("--dir", directory)
    if name is None:
        return
    check_name(name)
    if (directory / DATABASE).exists():
        with Store.open_readonly(directory) as store:
            if name in store.names():
                raise UserError(
                    f"--name {name}: there is a run of that name in {directory}; go on with it: netwright resume "
                    f"{name}, or choose another name"
                )


def _refuse_unwritable(option: str, folder: Path) -> None:
    """UserError where a folder could not be made or written to; nothing is left behind."""
    there = next(each for each in (folder.absolute(), *folder.absolute().parents) if each.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as problem:
        raise UserError(f"{option} {folder}: nothing can be written in {there}: {problem.strerror}") from None


def _refuse_amount(option: str, amount: str | None) -> None:
    """UserError for a limit that is no amount, or that nothing could keep."""
    if amount is None:
        return
    try:
        limit = Constraint.parse(f"amount <= {amount or '?'}").limit
    except UserError:
        limit = 0.0
    if limit <= 0:
        raise ConfigurationError(f"{option} {amount}: expected an amount above 0, such as 500k, 4M, 4MB or 512KiB")


def _refuse_parts(plan: Plan) -> None:
    """ConfigurationError for a space, strategy, recipe or network that there is not, and for unknown options."""
    if plan.space:
        _refuse_options(plan.space, "space")
    for each in named(plan.reference).values():
        own("reference", each)
    if plan.recipe:
        _refuse_recipe(plan.recipe, pairs(plan.training))
        return
    _refuse_options(plan.strategy, "strategy")
    from netwright.estimators.training import Training

    _refuse_unknown("--training", pairs(plan.training), _taken(Training, 2))
    if plan.warm_start:
        from netwright.estimators.zero_cost import PROXIES

        _refuse_unknown("--warm-start", [plan.warm_start], list(PROXIES), "proxy")


def _refuse_options(text: str, kind: Kind) -> None:
    name, options = split(text)
    made_by = load(kind, name)
    taken = _taken(made_by, kind == "strategy")
    unknown = [each for each in options if each not in taken]
    if unknown and isinstance(made_by, type):
        bind(made_by, (), dict.fromkeys(unknown))
    elif not _takes_any(made_by):
        _refuse_unknown(made_by.__name__, unknown, taken)


def _refuse_recipe(text: str, training: Mapping[str, str]) -> None:
    """A recipe takes its own options, and those of shared weights where it passes them on."""
    from netwright.estimators import SharedWeights

    name, options = split(text)
    recipe = load("search", name)
    own = [each for each in _taken(recipe, 2) if each not in ("seed", "device")]
    more = [each for each in _taken(SharedWeights, 2) if each not in ("settings", "device", "trained", *own)]
    known = [*own, *(more if _takes_any(recipe) else [])]
    _refuse_unknown(f"recipe {name!r}", options, known)
    _refuse_unknown("--training", training, known)


def _taken(made_by: Any, given: int) -> list[str]:
    """The options of a class or function, without the first ones, which are given."""
    parameters = constructor(made_by).parameters if isinstance(made_by, type) else signature(made_by).parameters
    return [name for name, each in parameters.items() if each.kind not in ANY][given:]


def _takes_any(made_by: Any) -> bool:
    """Whether a function takes options that it does not name."""
    return any(each.kind is Parameter.VAR_KEYWORD for each in signature(made_by).parameters.values())


def _refuse_unknown(what: str, options: Iterable[str], known: Sequence[str], noun: str = "option") -> None:
    for name in options:
        if name not in known:
            raise ConfigurationError(f"{what} has no {noun} {name!r}{nearest(name, known)}")


def _refuse_metrics(plan: Plan) -> None:
    """ConfigurationError for objectives and limits on what neither a training nor shared weights measure."""
    from netwright.estimators import Cost
    from netwright.estimators.machine import METRICS, where
    from netwright.estimators.machine.energy import counters
    from netwright.estimators.zero_cost import PROXIES
    from netwright.problems import METRIC_NAMES
    from netwright.tasks.opening import code_named

    if code_named(plan.data, plan.data_dir) is not None:
        return  # what is measured there is known once it is there

    place = {} if (plan.latency or "").endswith(".csv") else where(plan.latency or "")
    if any("energy_j" in str(each) for each in (*plan.objectives, *plan.limits)):
        counters(place.get("machine", "cpu"))
    trained = () if plan.recipe else ("train_loss", "train_accuracy", *PROXIES)
    known = [*Cost.metrics, *METRICS, *trained, "val_loss", *(f"val_{each}" for each in METRIC_NAMES), *METRIC_NAMES]
    for option, metric in (
        *(("--objective", name) for each in plan.objectives for name in Objective.parse(each).needs(known)),
        *(("--limit", Constraint.parse(each).metric) for each in plan.limits),
    ):
        if metric not in known and metric.partition("_of_")[0] not in known:  # one of several targets
            raise ConfigurationError(f"{option} {metric}: nothing measures {metric!r}{nearest(metric, known)}")
