"""The options of a command stand once, as fields of a dataclass."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer

from netwright.cli.asked import Asked, FinalOptions, SearchOptions
from netwright.cli.asked_data import DataOptions
from netwright.cli.asked_evidence import CompareOptions, ProxiesOptions
from netwright.cli.plan import Plan
from netwright.cli.planning import plan_of_scoring, plan_of_search
from netwright.cli.taking import After, Reads, in_order, part, reading, taking
from netwright.core.errors import ConfigurationError


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
        workers=1, trials=4, device="cpu", repeats=2, examples=50, test=Path("t.csv"), drop=("a", "b"), limit=("x < 1",)
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
    for options in (SearchOptions, FinalOptions, ProxiesOptions, CompareOptions):
        assert {each.name for each in in_order(options)} == {each.name for each in fields(options)}
    names = [each.name for each in in_order(SearchOptions)]
    assert names[:6] == ["data", "space", "strategy", "recipe", "method", "trials"] and names[-1] == "quiet"


def test_every_command_that_reads_data_has_the_same_options_for_it() -> None:
    own = [each.name for each in fields(DataOptions)]
    for options in (SearchOptions, ProxiesOptions, CompareOptions):
        assert [each.name for each in in_order(options) if each.name in own] == own
    given = {"target_column": "price", "tile": 64, "data_option": ("words=50",), "data_dir": Path("there")}
    read = {"target": "price", "tile": 64, "words": 50}
    assert plan_of_scoring(ProxiesOptions("t.csv", **given)).data_options == read
    assert CompareOptions(**given).read_as == {"data_dir": "there", "data_options": read}


@pytest.mark.parametrize("metric", ["val_accuracy", "f1_macro", "val_mean_iou", "hamming_loss:minimize"])
def test_a_target_in_per_cent_is_refused_for_every_share(metric: str) -> None:
    with pytest.raises(ConfigurationError, match=r"is a share from 0 to 1; for 95 % say 0\.95"):
        Plan("digits", objectives=(metric,), target=95)
    assert Plan("digits", objectives=("val_mae:minimize", metric), target=95).target == 95
    assert Plan("digits", objectives=(metric,), target=0.95).target == 0.95
