"""What one `netwright search` was asked to do: plain data, stored with the run, from which `resume` builds it again."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

from netwright.cli import catalogue
from netwright.cli.arguments import construct, pairs, split
from netwright.core.errors import ConfigurationError, CorruptStore

if TYPE_CHECKING:
    from netwright.core.space import Space
    from netwright.core.strategy import Strategy
    from netwright.engine import Search
    from netwright.tasks.task import Task

DEFAULT_TIME = "1h"
SHARE_OF_ONE_TRIAL = 0.5  # of the time limit; a candidate that takes longer leaves no time for the final training


@dataclass(frozen=True)
class Plan:
    """The options of a search, as the user gave them; None and empty stand for what is decided from the rest."""

    data: str
    data_dir: str | None = None
    data_options: dict[str, Any] = field(default_factory=dict)
    space: str | None = None
    strategy: str = "evolution"
    epochs: int = 5
    training: str = ""
    objectives: tuple[str, ...] = ("val_accuracy",)
    limits: tuple[str, ...] = ()
    trials: int | None = None
    time: str | None = None
    target: float | None = None
    patience: int | None = None
    seed: int = 0
    device: str = "auto"
    final_epochs: int | None = None
    final_seeds: int = 3
    baselines: bool = True

    def __post_init__(self) -> None:
        for name, least in (("epochs", 1), ("trials", 1), ("patience", 1), ("final_epochs", 0), ("final_seeds", 1)):
            value = getattr(self, name)
            if value is not None and value < least:
                option = name.replace("_", "-")
                raise ConfigurationError(f"--{option} {value}: expected a whole number of at least {least}")

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Plan:
        """The plan of a stored run; CorruptStore where it was written by something else."""
        known = {each.name for each in fields(cls)}
        unknown = set(data) - known
        if unknown or "data" not in data:
            raise CorruptStore(f"the run's plan holds {sorted(unknown)} and lacks {sorted({'data'} - set(data))}")
        lists = {name: tuple(data[name]) for name in ("objectives", "limits") if name in data}
        return cls(**{**data, **lists})

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def epochs_finally(self) -> int:
        """Epochs of the final training: four times a candidate's unless the user said."""
        return 4 * self.epochs if self.final_epochs is None else self.final_epochs

    @property
    def time_limit(self) -> str | None:
        """The search's time limit; the default one where nothing else would stop it."""
        stops = (self.trials, self.time, self.target, self.patience)
        return DEFAULT_TIME if all(stop is None for stop in stops) else self.time

    def make_task(self) -> Task:
        from netwright.tasks import open_task

        return open_task(self.data, data_dir=self.data_dir, **self.data_options)

    def make_space(self, task: Task) -> Space:
        """The space that was asked for, or the one that fits the data: chain for images, mlp for vectors."""
        name, options = split(self.space or ("chain" if task.shape.is_image else "mlp"))
        return construct(catalogue.load("space", name, catalogue.SPACES), options=options)

    def make_strategy(self, space: Space) -> Strategy:
        name, options = split(self.strategy)
        cls = catalogue.load("strategy", name, catalogue.STRATEGIES)
        if name in ("evolution", "genetic"):
            options = {"repeats": "false", **self._population(name), **options}
            self._check_population(options)
        if name == "local":
            options = {"move": "first", **options}
        return construct(cls, space, options=options)

    def _population(self, name: str) -> dict[str, str]:
        """A quarter of the trials evolve nothing yet; the published population of 100 where there are trials enough."""
        population = 20 if self.trials is None else max(4, min(100, self.trials // 4))
        sizes = {"population": str(population)}
        return {**sizes, "tournament": str(max(2, population // 4))} if name == "evolution" else sizes

    def _check_population(self, options: dict[str, str]) -> None:
        population = options["population"]
        if self.trials is not None and population.isdigit() and int(population) > self.trials:
            raise ConfigurationError(
                f"a population of {population} cannot be filled by {self.trials} trials; "
                f"use --trials {population} or more, or population={max(2, self.trials // 4)}"
            )

    def make_search(self, task: Task, space: Space) -> Search:
        from netwright.engine import Search, parse_duration
        from netwright.estimators.training import Training

        estimator = construct(
            Training, space, task, options={"epochs": str(self.epochs), "device": self.device, **pairs(self.training)}
        )
        if self.time_limit is not None:
            estimator = estimator.replace(time_limit=parse_duration(self.time_limit) * SHARE_OF_ONE_TRIAL)
        objective = self.objectives[0] if len(self.objectives) == 1 else self.objectives
        return Search(
            self.make_strategy(space), estimator, objective=objective, constraints=self.limits, seed=self.seed
        )
