"""The options of a command stand once, as fields of a dataclass."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any

import typer

from netwright.cli.asked import Asked, FinalOptions, SearchOptions
from netwright.cli.asked_evidence import ProxiesOptions
from netwright.cli.plan import Plan
from netwright.cli.planning import plan_of_search
from netwright.cli.taking import After, Reads, in_order, part, reading, taking


class Whatever:
    pass


def options_of(**given: Any) -> SearchOptions:
    return SearchOptions(data="digits", **given)


def test_an_option_is_one_line_in_one_place() -> None:
    @dataclass(frozen=True)
    class Base:
        first: int
        last: int = 3

    Base.__dataclass_fields__["first"].type = Annotated[int, typer.Argument()]
    Base.__dataclass_fields__["last"].type = Annotated[int, typer.Option()]

    @dataclass(frozen=True)
    class Options(Base):
        between: tuple[str, ...] = ()
        further: str | None = None

    Options.__dataclass_fields__["between"].type = Annotated[tuple[str, ...], typer.Option(), After("first")]
    Options.__dataclass_fields__["further"].type = Annotated[str | None, typer.Option(), Reads("more")]
    seen: list[Options] = []
    command = taking(Options)(lambda options: seen.append(options))
    assert list(inspect.signature(command).parameters) == ["first", "between", "further", "last"]
    command(first=1, between=["a", "b"], further="x", last=4)
    assert seen == [Options(1, 4, ("a", "b"), "x")]
    assert part(seen[0], Base) == {"first": 1, "last": 4} and reading(seen[0]) == {"more": "x"}


def test_what_is_asked_is_what_the_plan_remembers() -> None:
    given = options_of(
        trials=4, device="cpu", repeats=2, examples=50, test=Path("t.csv"), drop=("a", "b"), limit=("x < 1",)
    )
    plan = plan_of_search(given)
    assert isinstance(plan, Asked) and part(plan, Asked) == part(given, Asked)
    assert plan.data_options == {"limit": 50, "test": "t.csv", "drop": ["a", "b"]} and plan.limits == ("x < 1",)
    assert Plan.from_json(plan.to_json()) == plan


def test_methods_and_epochs_go_where_they_belong() -> None:
    assert plan_of_search(options_of(method="darts", epochs=3)) == Plan("digits", recipe="darts", shared_epochs=3)
    assert plan_of_search(options_of(method="bananas:networks=2", epochs=3)) == Plan(
        "digits", strategy="bananas:networks=2", epochs=3
    )
    assert plan_of_search(options_of(max_params="5k")).limits == ("params <= 5k",)


def test_every_field_of_a_command_is_an_option_in_its_place() -> None:
    for options in (SearchOptions, FinalOptions, ProxiesOptions):
        assert {each.name for each in in_order(options)} == {each.name for each in fields(options)}
    names = [each.name for each in in_order(SearchOptions)]
    assert names[:6] == ["data", "space", "strategy", "recipe", "method", "trials"] and names[-1] == "quiet"
