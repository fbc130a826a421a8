"""The plans that the options of a command ask for, and which of the two sorts a `--method` is."""

from __future__ import annotations

from typing import Any

from netwright.catalogue import load, own_spaces, pairs, shipped, split
from netwright.catalogue.loading import gives_a_search
from netwright.cli.asked import Asked, SearchOptions, TrainOptions
from netwright.cli.asked_evidence import ProxiesOptions, Scoring
from netwright.cli.plan import AUTOMATIC, Plan
from netwright.cli.taking import part
from netwright.cli.workers import ONLY
from netwright.core.errors import ConfigurationError


def plan_of_search(options: SearchOptions) -> Plan:
    """The plan of a search. Raises ConfigurationError for options that do not go together."""
    recipe, strategy = _sorted_out(options.method, options.recipe, options.strategy, options.warm_start)
    if options.final_training and not recipe:
        raise ConfigurationError(
            f"--final-training {options.final_training}: it is for recipes, whose --training is of shared weights; "
            "candidates and winner are trained alike, as --training says"
        )
    most = zip(("params", "macs", "activation_memory"), options.amounts.values(), strict=True)
    own = own_spaces().get(split(recipe or strategy or "")[0])
    given: dict[str, Any] = {**part(options, Asked), "recipe": recipe, "space": options.space or own}
    strategy = strategy or _usual_strategy(options)
    given["decides_workers"] = _may_decide_workers(options) and strategy == AUTOMATIC and recipe is None
    given["workers"] = 1 if options.workers is None else options.workers
    return Plan(
        **given,
        strategy=strategy,
        epochs=None if recipe else options.epochs,
        shared_epochs=options.epochs if recipe else None,
        **options.read_as,
        objectives=tuple(options.objective or ()),
        limits=(*options.limit, *(f"{metric} <= {amount}" for metric, amount in most if amount)),
        formats=options.formats,
        operations_allowed=_operations(options),
        operations_file=str(options.operations_allowed or ""),
    )


def _operations(options: SearchOptions) -> tuple[str, ...]:
    """The names of the ONNX operations that the networks may have; none where no file with them was given."""
    if options.operations_allowed is None:
        return ()
    from netwright.results import read_operations

    return tuple(sorted(read_operations(options.operations_allowed)))


def _usual_strategy(options: SearchOptions) -> str:
    """The default search, unless the person decides on what that decides on: then evolution."""
    several = options.repeats > 1 or len(options.objective) > 1 or options.warm_start
    return "evolution" if several or options.epochs or (options.trials and not options.time) else AUTOMATIC


def _may_decide_workers(options: SearchOptions) -> bool:
    """Whether the person has said nothing about where trials run, and how many of them at once."""
    return options.workers is None and options.executor is None and all(getattr(options, name) is None for name in ONLY)


EPOCHS = 600  # of the published final training on CIFAR-10
EPOCHS_OF_TEXTS = 100


def plan_of_training(options: TrainOptions) -> Plan:
    """The plan of a training without a search. Raises ConfigurationError for options that do not go together."""
    from netwright.cli.given_network import GivenNetwork

    if not options.data:
        raise ConfigurationError("--data is missing: what to train on, as digits, cifar10 or path/to/images")
    if options.epochs is not None and options.epochs < 1:
        raise ConfigurationError(f"--epochs {options.epochs}: expected a whole number of at least 1")
    training = _training_options(options)
    auxiliary = options.auxiliary is None or options.auxiliary != 0
    given = GivenNetwork.named(options.network, options.cells, options.channels, auxiliary=auxiliary)
    return Plan(
        data=options.data,
        network=given.to_json(),
        trials=1,
        time=options.time,
        training=",".join(f"{name}={value}" for name, value in training.items()),
        final_epochs=options.epochs or (EPOCHS_OF_TEXTS if given.is_recurrent else EPOCHS),
        final_seeds=options.seeds,
        baselines=options.baselines,
        seed=options.seed,
        device=options.device,
        **options.read_as,
    )


def _training_options(options: TrainOptions) -> dict[str, str]:
    """The training options that were given, those with a flag of their own among them."""
    given = pairs(options.training)
    own = {
        "cutout": options.cutout,
        "auxiliary_weight": options.auxiliary,
        "drop_path": options.drop_path,
        "batch_size": options.batch_size,
    }
    for name, value in own.items():
        if value is not None and name in given:
            raise ConfigurationError(f"--training {name}={given[name]}: it is given by an option of its own already")
    if "epochs" in given or "device" in given:
        raise ConfigurationError("--training: epochs and device have options of their own, --epochs and --device")
    return {**given, **{name: str(value) for name, value in own.items() if value is not None}}


def plan_of_scoring(options: ProxiesOptions) -> Plan:
    """The plan of which space, data and place are used to score networks."""
    return Plan(**part(options, Scoring), **options.read_as)


def _sorted_out(
    method: str | None, recipe: str | None, strategy: str | None, warm_start: str | None
) -> tuple[str | None, str | None]:
    """The recipe and the strategy, one of which the method may be.

    Raises ConfigurationError where more than one of the three was given, for a warm start of shared weights, and for a
    method that does not exist.
    """
    if method:
        for option, given in (("--recipe", recipe), ("--strategy", strategy)):
            if given:
                raise ConfigurationError(f"--method {method} brings its own strategy; leave out {option} {given}")
        recipe, strategy = (method, None) if _is_search(method) else (None, method)
    if recipe and strategy:
        raise ConfigurationError(f"--recipe {recipe} brings its own strategy; leave out --strategy {strategy}")
    if recipe and warm_start:
        raise ConfigurationError(f"--recipe {recipe} begins with its shared weights; leave out --warm-start")
    return recipe, strategy


def _is_search(method: str) -> bool:
    name, _ = split(method)
    return name not in shipped("strategy") and gives_a_search(load("method", name))
