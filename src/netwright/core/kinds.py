"""Objects of the right kind: what was given instead of one, and how to make one of it, in one line.

`kinds_of` reads from a signature which arguments are spaces, strategies, estimators, tasks and so on; constructors of
`Configured` objects and functions under `kinds_checked` refuse anything else before they begin.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import os
import sys
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ParamSpec, TypeVar, cast

from netwright.core.errors import ConfigurationError, shown

P = ParamSpec("P")
R = TypeVar("R")

EXAMPLES = {
    "Architecture": "space.parse(text) or space.sample(rng)",
    "Constraint": "text such as 'params <= 500k'",
    "Data": "task.final_data()",
    "Estimator": "estimators.Training(space, task)",
    "Examples": "task.test",
    "Executor": "executors.Processes(4)",
    "Module": "space.build(architecture, task.shape)",
    "Predictor": "predictors.GaussianProcess(space)",
    "Objective": "text such as 'val_accuracy', or Objective('params', 'minimize')",
    "BenchmarkProblem": "benchmarks.BenchmarkProblem(table, 'val_accuracy')",
    "Run": "search.run(trials=20)",
    "Search": "Search(strategy, estimator)",
    "Space": "spaces.Chain()",
    "DecisionSpace": "spaces.Chain()",
    "RetryPolicy": "engine.RetryPolicy(auto_batch=True)",
    "Store": "a path such as 'netwright-runs', or store.Store(path)",
    "Strategy": "strategies.RegularizedEvolution(space)",
    "Task": "tasks.arrays(x, y)",
    "TaskShape": "task.shape or TaskShape((3, 32, 32), 10)",
    "TrainingSettings": "TrainingSettings(epochs=5)",
}
"""How an object of each kind is made."""
PLAIN: dict[str, tuple[Any, str]] = {
    "Callable": (types.FunctionType, "a function"),
    "Literal": (str, "text"),
    "Mapping": (Mapping, "a mapping"),
    "None": (types.NoneType, ""),
    "Path": (os.PathLike, "a path"),
    "PathLike": (os.PathLike, "a path"),
    "bool": (bool, "true or false"),
    "float": (float, "a number"),
    "int": (int, "a whole number"),
    "str": (str, "text"),
}
NUMBERS = frozenset(("bool", "float", "int"))
EXECUTOR = ("slots", "submit", "wait", "cancel")
PACKAGES = {
    "DecisionSpace": "spaces",
    "Estimator": "estimators",
    "Predictor": "predictors",
    "Space": "spaces",
    "Strategy": "strategies",
}
HOMES = {"Module": "torch."}  # where the class of that name is at home, if not here


class Expected:
    """What an argument must be: an object of one of the kinds, a plain value, or a list of either.

    role: what messages call it.

    kinds: keys of `EXAMPLES`.
    plain: keys of `PLAIN`.
    each: what a list's members must be.
    several: whether the argument is a tuple of such values.
    """

    __slots__ = ("each", "kinds", "name", "plain", "several", "types")

    def __init__(
        self, name: str, kinds: Sequence[str], plain: Sequence[str], each: Expected | None = None, several: bool = False
    ) -> None:
        self.name, self.kinds, self.plain, self.each, self.several = name, kinds, plain, each, several
        self.types: tuple[Any, ...] = tuple(PLAIN[each][0] for each in plain)

    def check(self, role: str, value: Any) -> None:
        """ConfigurationError where the argument is something else."""
        if any(isinstance(value, each) for each in self.types) or any(is_a(value, kind) for kind in self.kinds):
            return
        if self.each is not None and _is_list(value):
            members = cast("Iterable[Any]", value)
            for member in members if self.each.kinds or "str" in self.each.plain else ():
                self.each.check(f"one of {role}", member)
        elif not self._nearly(value):
            if self.kinds:
                expect(value, self.kinds[0], role)
            words = [PLAIN[name][1] for name in self.plain if name != "None"]
            words += [] if self.each is None else ["a list"]
            raise ConfigurationError(f"{role} is {described(value)}; expected {' or '.join(dict.fromkeys(words))}")

    def _nearly(self, value: Any) -> bool:
        """Whether a value is told of better by whoever knows which numbers or functions are allowed."""
        if self.each is not None and isinstance(value, (str, int, float)):
            return isinstance(value, str) or not NUMBERS.isdisjoint(self.each.plain)
        if self.kinds or value is None:
            return False
        if "Callable" in self.plain:
            return callable(value)
        kind = cast("type[object]", type(value))
        counts = (hasattr(kind, "__float__") or hasattr(kind, "__index__")) and not hasattr(kind, "__len__")
        return (counts or kind is str) and not NUMBERS.isdisjoint(self.plain)


def _is_list(value: Any) -> bool:
    """Whether a value is something like a list."""
    other = isinstance(value, (str, type, Mapping)) or hasattr(value, "dataset")
    return not other and isinstance(value, Iterable)


def expect(value: Any, kind: str, role: str) -> Any:
    """The value, where it is of this kind; ConfigurationError says what it is, and how to make one.

    kind: a key of `EXAMPLES`.
    role: what the message calls the value, such as "the strategy".
    """
    if is_a(value, kind):
        return value
    if kind == "DecisionSpace":
        if is_a(value, "Space"):
            raise ConfigurationError(
                f"{role} is {described(value)}, which has no decisions; expected a DecisionSpace; {for_any_space(role)}"
            )
        kind = "Space"
    article = "an" if kind[0] in "AEIO" else "a"
    raise ConfigurationError(f"{role} is {described(value)}; expected {article} {kind}: {_how(value, kind)}")


def for_any_space(owner: str) -> str:
    """Which classes would do for a space without decisions.

    owner: what wanted decisions, before a colon.
    """
    name = owner.partition(":")[0]
    is_estimator = any(each.__name__ == name for each in _public("Estimator"))
    if is_estimator:
        return "estimators such as Training and Cost measure networks of any space"
    fitting = [
        each.__name__
        for each in _public("Strategy")
        if _named(each, "Strategy") and not inspect.isabstract(each) and getattr(each, "called", "")
        if cast("Any", each).needs.__name__ == "Space"
    ]
    return f"any space is searched by {', '.join(fitting)}"


def is_a(value: object, kind: str) -> bool:
    """Whether the value is an object of this kind."""
    if kind == "Executor":
        return not isinstance(value, type) and all(hasattr(value, name) for name in EXECUTOR)
    return _named(type(value), kind)


def _named(cls: type, kind: str) -> bool:
    """Whether a class of this name is among those that the class is made from."""
    home = HOMES.get(kind, "netwright.")
    return any(each.__name__ == kind and each.__module__.startswith(home) for each in cls.__mro__)


def described(value: Any) -> str:
    """What something is, for a message."""
    if value is None:
        return "None"
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if isinstance(value, str):
        return f"the text {shown(value)}"
    if isinstance(value, types.ModuleType):
        return f"the module {value.__name__}"
    if inspect.isroutine(value):
        return f"the function {value.__name__}"
    name = type(value).__name__
    if isinstance(value, (bool, int, float)):
        return shown(value)
    if isinstance(value, (tuple, list)):
        several = cast("Sequence[Any]", value)
        held = ", ".join(type(each).__name__ for each in several[:4])
        return f"a {name} of {len(several)} ({held}{', ...' if len(several) > 4 else ''})"
    other = next((kind for kind in EXAMPLES if kind != "Executor" and is_a(value, kind)), None)
    article = "an" if name[0] in "AEIOaeio" else "a"
    return f"{article} {name}" if other in (None, name) else f"the {other} {name}"


def _how(value: Any, kind: str) -> str:
    """How to make an object of a kind, of what was given where that can be."""
    if isinstance(value, type) and (_named(value, kind) or kind == "Executor"):
        return f"with parentheses, {_call(value)}"
    if inspect.isroutine(value) and _returns(value) in (kind, ""):
        return f"call the function, {value.__name__}(...)"
    if isinstance(value, str) and kind != "Task":
        found = _of_name(value, kind)
        return EXAMPLES[kind] if found is None else _call(found)
    return _task(value) if kind == "Task" else EXAMPLES[kind]


def _returns(function: Any) -> str:
    """The kind that a function says it returns; empty where it says none."""
    said = str(getattr(function, "__annotations__", {}).get("return", ""))
    return said if said in EXAMPLES else ""


def _task(value: Any) -> str:
    """How to make a task of what was given."""
    if isinstance(value, str) or hasattr(value, "__fspath__"):
        return f"tasks.open_task({str(value)!r})"
    if hasattr(value, "dataset") and not isinstance(value, types.ModuleType):
        return "tasks.dataset(loader.dataset)"
    if isinstance(value, (tuple, list)) or hasattr(value, "shape") or not hasattr(value, "__getitem__"):
        return EXAMPLES["Task"]
    return "tasks.dataset(data)"


def _call(cls: type) -> str:
    """The class with the arguments that it needs."""
    needed = [
        each.name
        for each in inspect.signature(cls).parameters.values()
        if each.default is each.empty and each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)
    ]
    return f"{cls.__name__}({', '.join(needed)})"


def _of_name(text: str, kind: str) -> type | None:
    """The class of a kind that a text names, as "darts" and "evolution" do."""
    wanted = "".join(each for each in text.partition(":")[0].lower() if each.isalnum())
    known = [each for each in _public(kind) if _named(each, kind) and not inspect.isabstract(each)]
    found = {each for each in known if wanted and wanted in each.__name__.lower()}
    same = {each for each in found if each.__name__.lower() == wanted} or found
    if len(same) > 1:  # the usual one, where it is among several of this name
        same = {each for each in same if f".{each.__name__}(" in EXAMPLES[kind]}
    return same.pop() if len(same) == 1 else None


def _public(kind: str) -> Iterable[type]:
    """The public classes of the package where this kind is at home, whichever of them were used before."""
    package = sys.modules.get(f"netwright.{PACKAGES.get(kind, '')}", types.ModuleType(""))
    for name in getattr(package, "__all__", ()):
        with contextlib.suppress(ImportError):  # an extra that is not installed
            value = getattr(package, name)
            if isinstance(value, type):
                yield value


# Which arguments are to be of a kind.


def kinds_of(signature: inspect.Signature, module: str) -> tuple[Expected, ...]:
    """What the arguments of a signature must be, as far as their annotations say it.

    module: where the signature was written; of another package's only its netwright objects are looked at.
    """
    known = vars(sys.modules.get(module, types.ModuleType("")))
    own = module.startswith("netwright.")
    found: list[Expected] = []
    for name, each in signature.parameters.items():
        text = each.annotation if isinstance(each.annotation, str) else getattr(each.annotation, "__name__", "")
        expected = _expected(name, text, lambda kind: _ours(kind, known, own))
        if each.kind is not each.VAR_KEYWORD and expected is not None and (own or expected.kinds):
            expected.several = each.kind is each.VAR_POSITIONAL
            found.append(expected)
    return tuple(found)


def _expected(name: str, annotation: str, ours: Callable[[str], bool]) -> Expected | None:
    """What an annotation says of an argument; None where it names anything that is not known here."""
    kinds: list[str] = []
    plain: list[str] = []
    each: Expected | None = None
    for part in _alternatives(annotation):
        outer, _, inner = part.partition("[")
        outer = outer.rpartition(".")[2]
        if outer in EXAMPLES and ours(outer):
            kinds.append(outer)
        elif outer in PLAIN:
            plain.append(outer)
        elif outer == "Sequence" and (each := _expected(name, inner[:-1], ours)) is not None:
            continue
        else:
            return None
    return Expected(name, kinds, plain, each)


def _alternatives(annotation: str) -> list[str]:
    """The parts of an annotation between the bars that are in no brackets."""
    parts, depth = [""], 0
    for letter in annotation:
        depth += (letter == "[") - (letter == "]")
        if letter == "|" and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    return [each.strip() for each in parts]


def _ours(kind: str, known: Mapping[str, Any], own: bool) -> bool:
    """Whether an annotation means the class of this package. own: whether it is written there."""
    meant = known.get(kind)
    return own if meant is None else meant.__module__.startswith(("netwright.", "torch."))


def check(owner: str, expected: Sequence[Expected], arguments: Mapping[str, Any]) -> None:
    """ConfigurationError for the first argument that is of another kind.

    owner: what the message begins with.
    """
    for each in expected:
        if each.name in arguments:
            given = arguments[each.name]
            for value in given if each.several else (given,):
                each.check(f"{owner}: {each.name}", value)


def kinds_checked(function: Callable[P, R]) -> Callable[P, R]:
    """The function, which refuses arguments of another kind than their annotations say."""
    signature = inspect.signature(function)
    expected = kinds_of(signature, function.__module__)
    owner = function.__qualname__.partition(".__init__")[0]

    @functools.wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            arguments = signature.bind(*args, **kwargs).arguments
        except TypeError:
            arguments = {}  # the call says what is wrong with it
        check(owner, expected, arguments)
        return function(*args, **kwargs)

    return checked
