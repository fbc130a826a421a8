"""What one `netwright search` was asked to do: plain data, stored with the run, from which `resume` builds it again."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, replace
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
FLAGS = {
    "limit": "--examples",
    "size": "--image-size",
    "target": "--target-column",
    "skip_bad": "--skip-bad",
    "nan": "--nan",
}
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

        if self.target is not None and self.objectives[0].endswith("accuracy") and self.target > 1:
            raise ConfigurationError(
                f"--target {self.target:g}: accuracies are shares from 0 to 1; for {self.target:g} % say "
                f"{self.target / 100:g}"
            )

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
        """The search's time limit; the default one where neither trials nor time would stop it."""
        return DEFAULT_TIME if self.trials is None and self.time is None else self.time

    def resolved(self) -> Plan:
        """The plan with the strategy's defaults written out, so that it stays the same when trials are added later."""
        name, options = split(self.strategy)
        options = {**self._defaults(name), **options}
        text = ",".join(f"{key}={value}" for key, value in options.items())
        return replace(self, strategy=f"{name}:{text}" if text else name)

    def _defaults(self, name: str) -> dict[str, str]:
        """What the command line sets where the user is silent: a quarter of the trials as population, no repeats."""
        trials = self.trials or 80
        population = min(trials, max(4, min(100, trials // 4)))
        sizes = {"population": str(population), "repeats": "false"}
        if name == "evolution":
            return {"tournament": str(max(2, population // 4)), **sizes}
        return {"genetic": sizes, "local": {"move": "first"}}.get(name, {})

    def make_task(self) -> Task:
        from netwright.tasks import open_task

        try:
            return open_task(self.data, data_dir=self.data_dir, **self.data_options)
        except ConfigurationError as problem:
            flag = next((flag for name, flag in FLAGS.items() if f"option {name!r}" in str(problem)), None)
            if flag is None:
                raise
            raise ConfigurationError(
                f"{flag} does not apply to {self.data}: it is not read in a way that knows it"
            ) from None

    def make_space(self, task: Task) -> Space:
        """The space that was asked for, or the one that fits the data: chain for images, mlp for vectors."""
        name, options = split(self.space or ("chain" if task.shape.is_image else "mlp"))
        return construct(catalogue.load("space", name, catalogue.SPACES), options=options)

    def make_strategy(self, space: Space) -> Strategy:
        name, options = split(self.resolved().strategy)
        population = options.get("population", "")
        if self.trials is not None and population.isdigit() and int(population) > self.trials:
            raise ConfigurationError(
                f"a population of {population} cannot be filled by {self.trials} trials; "
                f"use --trials {population} or more, or a population of {max(2, self.trials // 4)}"
            )
        return construct(catalogue.load("strategy", name, catalogue.STRATEGIES), space, options=options)

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
