"""What a comparison of methods is asked, as its folder remembers it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from netwright.core.errors import ConfigurationError, CorruptStore, UserError
from netwright.core.wording import counted

FILE = "methods.json"
REPEATS, EPOCHS = 3, 5


@dataclass(frozen=True)
class MethodSettings:
    """What a comparison of methods is asked, and its folder remembers; None and empty for what was left out.

    methods: as the command line names them, with their options.
    space: in which all search; empty for each method's own, or the usual one of the data for shared weights.
    budget: of each repeat, search and final training together, as "10m"; or `evaluations` of `epochs` each.
    """

    methods: tuple[str, ...] = ()
    data: str | None = None
    data_dir: str | None = None
    data_options: dict[str, Any] = field(default_factory=dict)
    space: str | None = None
    budget: str | None = None
    evaluations: int | None = None
    epochs: int | None = None
    repeats: int | None = None
    seed: int | None = None
    device: str | None = None

    def over(self, earlier: MethodSettings) -> MethodSettings:
        """These options, and those of an earlier call for what was left out; methods and repeats are added to it.

        Raises UserError where another thing would be compared.
        """
        now, before = asdict(self), asdict(earlier)
        for name in ("data", "data_dir", "data_options", "space", "budget", "evaluations", "epochs", "seed", "device"):
            if now[name] not in (None, {}) and now[name] != before[name]:
                raise UserError(
                    f"the folder holds another comparison: {name.replace('_', ' ')} {_shown(before[name])} there, "
                    f"{_shown(now[name])} here. Choose another --folder, or ask as it was"
                )
        methods = tuple(dict.fromkeys((*earlier.methods, *self.methods)))
        return replace(earlier, methods=methods, repeats=max(earlier.repeats or REPEATS, self.repeats or 1))

    @classmethod
    def from_json(cls, data: Any) -> MethodSettings:
        known = {each.name for each in fields(cls)}
        if not isinstance(data, dict) or not set(data) <= known or not isinstance(data.get("data_options", {}), dict):
            raise CorruptStore(f"{FILE} holds options that are not those of this command")
        return cls(**{**data, "methods": tuple(map(str, data.get("methods", ())))})

    def checked(self) -> MethodSettings:
        """With the defaults written out. Raises UserError for what cannot be, or does not go together."""
        from netwright.engine import parse_duration

        if not self.data:
            raise ConfigurationError("--methods needs --data: what to search on, as digits, cifar10 or path/to/images")
        if (self.budget is None) == (self.evaluations is None):
            raise ConfigurationError("--methods needs a budget for each search: --budget 10m, or --evaluations 30")
        if self.budget is not None:
            parse_duration(self.budget)
        if self.budget is not None and self.epochs is not None:
            raise ConfigurationError("--epochs goes with --evaluations; with --budget they are fitted to the time")
        for name, value, least in (
            ("repeats", self.repeats, 1),
            ("evaluations", self.evaluations, 1),
            ("epochs", self.epochs, 1),
        ):
            if value is not None and value < least:
                raise ConfigurationError(f"--{name} {value}: expected a whole number of at least {least}")
        epochs = (self.epochs or EPOCHS) if self.evaluations is not None else None
        return replace(self, epochs=epochs, repeats=self.repeats or REPEATS, seed=self.seed or 0)

    @property
    def words(self) -> str:
        """The budget of a search as people read it."""
        if self.budget is not None:
            return f"{self.budget} in all"
        return f"{counted(self.evaluations or 0, 'evaluation')} of {counted(self.epochs or 0, 'epoch')}"


def _shown(value: object) -> str:
    return "left out" if value in (None, {}) else str(value)
