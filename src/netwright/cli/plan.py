"""What one `netwright search` was asked to do: plain data, stored with the run, from which `resume` builds it again."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import asdict, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

from netwright.catalogue import construct, load, making, pairs, split
from netwright.cli.asked import Asked
from netwright.cli.flags import FLAGS
from netwright.cli.own_networks import beside, owned
from netwright.core.errors import ConfigurationError, CorruptStore
from netwright.core.objective import Objective
from netwright.results.metric_words import is_share

if TYPE_CHECKING:
    from pathlib import Path

    from netwright.cli.given_network import GivenNetwork
    from netwright.core.estimator import Estimator
    from netwright.core.space import Space
    from netwright.core.strategy import Strategy
    from netwright.engine import Search
    from netwright.methods.automatic import Decided
    from netwright.tasks.task import Task

AUTOMATIC = "auto"
LISTS = ("objectives", "limits", "first", "reference", "operations_allowed")  # fields that are tuples
DEFAULT_TIME = "1h"
DEFAULT_EPOCHS = 5
SHARE_OF_SEARCHES = 0.6  # of the time limit, where there are several or a recipe; the rest is for the final training
LEAST_SHARE = 0.1  # of the time limit is there to be shared, however long reading the data took
SHARE_OF_ONE_TRIAL = 0.5  # of the time limit; a candidate that takes longer leaves no time for the final training


@dataclass(frozen=True)
class Plan(Asked):
    """The options of a search, as the user gave them; None and empty stand for what is decided from the rest."""

    data_dir: str | None = None
    data_options: dict[str, Any] = field(default_factory=dict)
    strategy: str = "evolution"
    workers: int = 1
    decides_workers: bool = False  # whether the default search may say how many
    epochs: int | None = None  # of a candidate; fitted to data and time
    objectives: tuple[str, ...] = ()  # none: the main metric of what the data ask for
    limits: tuple[str, ...] = ()
    shared_epochs: int | None = None  # of weight training; the recipe's own number, or as many as the time allows
    first: tuple[str, ...] = ()  # the architectures that it chose
    paper_epochs: int | None = None  # of a recipe, as its paper has them
    made_smaller: bool = False  # whether the usual space of shared weights was, for the time there is
    random_left_out: bool = False  # whether the random search beside a recipe was, for the time there is
    shared_seconds: float | None = None  # that the training of shared weights is expected to take
    prepared: float = 0.0  # seconds of the time limit that went before the search could begin, where that matters
    given: dict[str, Any] = field(default_factory=dict)  # the options before anything of them was fitted
    expected_trials: int | None = None  # how many candidates fit, as far as that is known beforehand
    automatic: dict[str, Any] = field(default_factory=dict)  # what the default search decided on, once it has
    network: dict[str, Any] = field(default_factory=dict)  # that is trained, in place of a search
    formats: str = "torch"  # in which the result is exported, where it is
    operations_allowed: tuple[str, ...] = ()  # the ONNX operations that a device has; none: whichever
    operations_file: str = ""  # where these were read

    def __post_init__(self) -> None:
        least_values = {"epochs": 1, "trials": 1, "patience": 1, "final_epochs": 0, "final_seeds": 1, "repeats": 1}
        least_values |= {"workers": 1, "warm_start_networks": 1}
        for name, least in least_values.items():
            value = getattr(self, name)
            if value is not None and value < least:
                option = name.replace("_", "-")
                raise ConfigurationError(f"--{option} {value}: expected a whole number of at least {least}")

        for each in self.objectives[:1]:
            self._check_target(Objective.parse(each).metric)
        if self.reference and self.recipe:
            raise ConfigurationError(
                f"--reference {self.reference[0]}: recipe {self.recipe!r} shares the weights of a space's networks, in "
                "which yours has no part; leave out --recipe, and search by --strategy"
            )
        self._check_workers()

    def _check_target(self, metric: str) -> None:
        """Raise ConfigurationError for a target above 1 of a metric that is a share."""
        if self.target is not None and self.target > 1 and is_share(metric):
            raise ConfigurationError(
                f"--target {self.target:g}: {metric} is a share from 0 to 1; for {self.target:g} % say "
                f"{self.target / 100:g}"
            )

    def _check_workers(self) -> None:
        from netwright.cli import workers

        workers.check(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Plan:
        """The plan of a stored run; CorruptStore where it was written by something else."""
        known = {each.name for each in fields(cls)}
        unknown = set(data) - known
        if unknown or "data" not in data:
            raise CorruptStore(f"the run's plan holds {sorted(unknown)} and lacks {sorted({'data'} - set(data))}")
        if data.get("given") and data.get("strategy") == "genetic-cnn":  # a run of before its population was fitted
            data = {**data, "strategy": "genetic-cnn:population=20"}
        lists = {name: tuple(data[name]) for name in LISTS if name in data}
        return cls(**{**data, **lists})

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def is_automatic(self) -> bool:
        """Whether everything that was not asked for is decided from data, machine and time."""
        return self.recipe is None and split(self.strategy)[0] == AUTOMATIC

    @property
    def decisions(self) -> Decided | None:
        """What the default search decided on; None for another search, and before it has."""
        from netwright.methods.automatic import Decided

        return Decided.from_json(self.automatic) if self.automatic else None

    @property
    def given_network(self) -> GivenNetwork | None:
        """The network that is trained in place of a search; None where there is a search."""
        from netwright.cli.given_network import GivenNetwork

        return GivenNetwork.from_json(self.network) if self.network else None

    @property
    def seeds_finally(self) -> int | tuple[int, ...]:
        """How many seeds the winner is finally trained with; of a network that is given, which."""
        return tuple(range(self.seed, self.seed + self.final_seeds)) if self.network else self.final_seeds

    def decided(self, task: Task, networks: Space, seconds: float, after: float) -> Plan:
        """The plan with what the default search decides on.

        networks: without their training. seconds: for the search and all that follows it. after: of which an export
        takes so many.
        """
        from netwright.core.objective import Constraint
        from netwright.estimators.training import Training
        from netwright.methods.automatic import decided

        asked = pairs(self.training)
        training = construct(Training, networks, task, options=asked)
        given = {name: value for name, value in training.settings.arguments.items() if name in asked}
        given |= {"balance": 0.0} if "class_weights" in self.data_options else {}
        found = decided(
            *(task, networks, seconds),
            given=given,
            validation=training.validation if "validation" in asked else None,
            limits=[Constraint.parse(each) for each in self.limits],
            device=self.device,
            after=after,
            metric=self._asked_metric,
            latency=self.latency or "",
        )
        workers = found.workers if self.decides_workers else self.workers
        return replace(self, automatic=found.as_json(), workers=workers)

    def later(self, seconds: float) -> Plan:
        """The plan of the default search, so many seconds after it was decided."""
        found = self.decisions
        assert found is not None
        return replace(
            self, automatic=replace(found, seconds=max(0.5 * found.seconds, found.seconds - seconds)).as_json()
        )

    @property
    def _asked_metric(self) -> str:
        """The metric of the first objective, as the problem calls it."""
        from netwright.core.objective import Objective

        return Objective.parse(self.objectives[0]).metric.removeprefix("val_") if self.objectives else ""

    @property
    def candidate_epochs(self) -> int:
        """Epochs for which a candidate is trained."""
        return DEFAULT_EPOCHS if self.epochs is None else self.epochs

    @property
    def epochs_finally(self) -> int:
        """Epochs for which the winner is trained on: four times a candidate's unless the user said.

        Of the default search, whether anything follows it: its winner is trained already, or is trained anew once.
        """
        if self.is_automatic:
            return 1 if self.final_epochs is None else min(1, self.final_epochs)
        return 4 * self.candidate_epochs if self.final_epochs is None else self.final_epochs

    @property
    def epochs_later(self) -> int:
        """Epochs of a final training that is asked for after the search, which may have had none."""
        return self.epochs_finally or 4 * self.candidate_epochs

    @property
    def seconds(self) -> float | None:
        """The time limit in seconds."""
        from netwright.engine import parse_duration

        return None if self.time_limit is None else parse_duration(self.time_limit)

    @property
    def searches(self) -> int:
        """How many searches there are in all: repetitions, and a random one at equal time beside each."""
        return self.repeats * (2 if self.recipe and self.random_search else 1)

    @property
    def search_seconds(self) -> float | None:
        """Time for one search where there are several, or where a recipe's training must be made to fit; else None.

        A share of what is left after data were read and a few steps were timed, but never less than that of a tenth.
        """
        if self.seconds is None or (self.searches == 1 and not self.recipe):
            return None
        share = SHARE_OF_SEARCHES if self.epochs_finally else 1.0
        return max(LEAST_SHARE * self.seconds, self.seconds - self.prepared) * share / self.searches

    @property
    def time_limit(self) -> str | None:
        """The search's time limit; the default one where neither trials nor time would stop it."""
        return DEFAULT_TIME if self.trials is None and self.time is None else self.time

    def without_limits(self) -> Plan:
        """The plan for final trainings, which the limits of a trial do not bind."""
        return replace(self, trial_timeout=None, stall_timeout=None)

    def resolved(self) -> Plan:
        """The plan with the strategy's defaults written out, so that it stays the same when trials are added later."""
        if self.is_automatic or self.network:
            return self
        return replace(self, strategy=making.fitted(self.strategy, self.expected_trials or self.trials))

    def make_task(self, directory: Path | None = None) -> Task:
        """The data, with what the objectives and limits need to have measured.

        directory: of the project that decoded examples are kept beside, where they are large.
        """
        from netwright.core.objective import names_in
        from netwright.store.directory import DECODED
        from netwright.tasks import open_task
        from netwright.tasks.decoded_files import decoded_in

        kept = nullcontext() if directory is None else decoded_in(directory / DECODED)
        try:
            with kept:
                task = open_task(self.data, data_dir=self.data_dir, **self.data_options)
                return task.measuring(*names_in((*self.objectives, *self.limits)))
        except ConfigurationError as problem:
            name = next((each for each in FLAGS if f"option {each!r}" in str(problem)), None)
            if name is None:
                raise
            raise ConfigurationError(f"{FLAGS[name]} does not apply to {self.data}{_for_what(name)}") from None

    def make_space(self, task: Task) -> Space:
        """The space that was asked for, or the one that fits the data.

        That is of the default search the usual one (see `spaces.usual_space`), otherwise chain (darts for a recipe),
        mlp for vectors, texts (recurrent for a recipe) for tokens, series for series, unet-cells for a class for every
        pixel.
        """
        if (given := self.given_network) is not None:
            return given.made(task.shape)[0]
        default = ("chain", "mlp")
        if task.shape.is_tokens:
            default = ("", "recurrent" if self.recipe else "texts")
        elif task.shape.is_series:
            default = ("", "series")
        elif self.recipe:
            default = ("darts", "mlp:activations=('relu',),normalisations=('batch',),dropouts=(0.0,)")
        if task.shape.is_image and task.shape.dense:
            default = ("unet-cells", "")
        if self.is_automatic and not self.space:
            from netwright.spaces.usual import usual_space

            networks = usual_space(task.shape, task.problem)
        else:
            name, options = split(self.space or default[not task.shape.is_image])
            networks = construct(load("space", name), options=options).fitted(task.shape)
        networks = beside(networks, self.reference) if self.reference else networks
        found = self.decisions
        return networks if found is None else found.space(networks)

    def make_strategy(self, space: Space) -> Strategy:
        found = self.decisions
        if found is not None:
            return found.strategy(space)
        strategy = making.strategy(self.resolved().strategy, space, self.trials)
        first = (*owned(space), *self.first)
        if not first:
            return strategy
        from netwright.strategies import WarmStart

        return WarmStart(strategy, first)

    def make_search(self, task: Task, space: Space) -> Search:
        """The search; of a recipe, with the number of epochs that `fitted` gave the plan."""
        from netwright.engine import Search

        if not self.objectives:
            self._check_target(task.problem.main.name)
        if self.recipe is not None:
            return self.make_recipe(task, space)
        if self.network:
            return self._make_training_alone(task, space)
        from netwright.cli.scores import with_scores
        from netwright.core.objective import Constraint

        metrics = [Constraint.parse(each).metric for each in self.limits]
        metrics += [name for each in self.objectives for name in Objective.parse(each).needs()]
        estimator = with_scores(self.on_machine(self.make_training(task, space), task, space), metrics)
        return Search(self.make_strategy(space), estimator, constraints=self.limits, **self._wanted())

    def on_machine(self, estimator: Estimator, task: Task, space: Space) -> Estimator:
        """The estimator behind what measures the metrics of a machine that are asked for."""
        from netwright.core.objective import names_in
        from netwright.estimators.machine import behind

        return behind(estimator, space, task.shape, names_in((*self.objectives, *self.limits)), self.latency or "")

    def _make_training_alone(self, task: Task, space: Space) -> Search:
        """The network that is given, counted; its training is the final one."""
        from netwright.engine import Search
        from netwright.estimators import Counted
        from netwright.strategies.listed import Listed

        given = self.given_network
        assert given is not None
        estimator = Counted(self.make_training(task, space))
        strategy = Listed(space, [given.made(task.shape)[1]])
        return Search(strategy, estimator, objective="params:minimize", seed=self.seed)

    def make_random_search(self, task: Task, space: Space) -> Search:
        """Random search with training alone, for what a recipe is set beside."""
        from netwright.engine import Search
        from netwright.strategies import RandomSearch

        estimator = self.on_machine(self.make_training(task, space, self.search_seconds), task, space)
        return Search(RandomSearch(space), estimator, constraints=self.limits, **self._wanted())

    def _wanted(self) -> dict[str, Any]:
        objective = (self.objectives[0] if len(self.objectives) == 1 else self.objectives) or None
        return {"objective": objective, "seed": self.seed}

    def make_training(self, task: Task, space: Space, seconds: float | None = None) -> Any:
        from netwright.estimators.training import Training
        from netwright.training.usual import of_masks

        found = self.decisions
        if found is not None:
            return found.training(space, task, self.device)
        if self.network:
            return self._make_published_training(task, space)
        given = pairs(self.final_training if self.recipe else self.training)
        usual = {name: str(value) for name, value in of_masks(task.shape, len(task.train), given).items()}
        options = {"epochs": str(self.candidate_epochs), "device": self.device, **usual, **given}
        estimator = construct(Training, space, task, options=options)
        if self.seconds is not None:
            total = self.seconds if seconds is None else seconds
            estimator = estimator.replace(time_limit=total * SHARE_OF_ONE_TRIAL)
        return estimator

    def _make_published_training(self, task: Task, space: Space) -> Any:
        """The training of the network that is given: as published, but for what was asked for."""
        from netwright.estimators.training import Training
        from netwright.training.as_published import as_published

        settings = as_published(task.shape, task.problem, len(task.train))
        options = pairs(self.training)
        if self.final_epochs is not None:
            options = {"epochs": str(self.final_epochs), **options}
        made = construct(Training, space, task, options={"device": self.device, **options})
        asked = {name: value for name, value in made.settings.arguments.items() if name in options}
        found = settings.replace(**asked)
        side = min(task.shape.height, task.shape.width) if task.shape.is_image else 0
        if found.cutout is not None and side and found.cutout > side:
            raise ConfigurationError(f"--cutout {found.cutout}: expected at most {side} pixels, the side of the images")
        return made.replace(settings=found)

    def make_recipe(self, task: Task, space: Space) -> Search:
        from netwright.catalogue.arguments import called

        assert self.recipe is not None
        name, options = split(self.recipe)
        epochs = {} if self.shared_epochs is None else {"epochs": self.shared_epochs}
        made = called(
            *(load("search", name), name, space, task),
            options={**options, **pairs(self.training)},
            fixed={"seed": self.seed, "device": self.device, **epochs, **self._of_final(task)},
        )
        wanted: dict[str, Any] = (
            {} if self.objectives in ((), ("val_accuracy",)) else {"objective": self._wanted()["objective"]}
        )
        if self.latency:
            wanted["estimator"] = self.on_machine(made.estimator, task, space)
        return made.replace(**wanted, constraints=self.limits)

    def _of_final(self, task: Task) -> dict[str, Any]:
        """With which settings the network that a recipe finds is trained, where any were asked for."""
        if not self.final_training:
            return {}
        from netwright.training import TrainingSettings
        from netwright.training.usual import of_masks

        given = pairs(self.final_training)
        if "epochs" in given:
            raise ConfigurationError("--final-training: epochs have an option of their own, --final-epochs")
        asked = construct(TrainingSettings, options=given).arguments
        usual = of_masks(task.shape, len(task.train), given)
        return {"final_settings": TrainingSettings(**{**usual, **{name: asked[name] for name in given}})}

    def fitted(self, task: Task, space: Space) -> Plan:
        """The plan with the epochs of its recipe: those asked for, or the paper's, as far as the time allows.

        With the architectures of its warm start, too. Raises UserError where not even one epoch fits.
        """
        if self.warm_start and not self.first:
            from netwright.cli.scores import warm_start

            return replace(self, first=warm_start(self, task, space, self.warm_start))
        if self.recipe is None or self.shared_epochs is not None:
            return self
        from netwright.cli.recipe_epochs import as_long_as_fits
        from netwright.engine.rounds import round_estimator

        search = self.make_recipe(task, space)
        shared: Any = round_estimator(search.estimator)  # behind what measures a machine, where that is asked for
        wanted = shared.settings.epochs
        if self.search_seconds is None or shared.trained:
            return replace(self, shared_epochs=wanted, paper_epochs=wanted)
        return as_long_as_fits(self, task, space, search, wanted)


def _for_what(option: str) -> str:
    """The kinds of data that an option is for."""
    from netwright.tasks.opening import readers_with

    kinds = readers_with(option)
    return f": it is for {' and '.join(filter(None, (', '.join(kinds[:-1]), kinds[-1])))}" if kinds else ""
