"""What the command line reads and writes: options, amounts, tables, JSON."""

from __future__ import annotations

import inspect
import io
import json
import sys
import warnings
from types import SimpleNamespace
from typing import Any

import pytest

from netwright import catalogue
from netwright.catalogue.arguments import construct, pairs, split
from netwright.cli import main
from netwright.cli.output import colours, finite, say
from netwright.cli.plan import Plan
from netwright.core.errors import ConfigurationError, CorruptStore, UserError
from netwright.core.wording import amount, duration, rough, table
from netwright.results.metric_words import number
from netwright.spaces import Chain, Darts, FreeGraph, GeneticCnn, Mlp, NasBench201, NasNet, Residual
from netwright.strategies import RegularizedEvolution


@pytest.mark.parametrize(
    ("text", "name", "options"),
    [
        ("darts", "darts", {}),
        ("darts:cells=4,channels=8", "darts", {"cells": "4", "channels": "8"}),
        ("my_module:MySpace", "my_module:MySpace", {}),
        ("my_file.py:MySpace:width=3", "my_file.py:MySpace", {"width": "3"}),
        ("chain:widths=(1, 2),least=1", "chain", {"widths": "(1, 2)", "least": "1"}),
    ],
)
def test_a_name_with_options_is_split(text: str, name: str, options: dict[str, str]) -> None:
    assert split(text) == (name, options)


def test_commas_in_brackets_belong_to_the_value() -> None:
    assert pairs("a=[1, 2],b={'x': (3, 4)},c=5") == {"a": "[1, 2]", "b": "{'x': (3, 4)}", "c": "5"}


def test_options_become_constructor_arguments_of_the_declared_kind() -> None:
    space = construct(Darts, options={"cells": "3", "auxiliary": "true"})
    assert space == Darts(cells=3, auxiliary=True)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"cell": "3"}, "did you mean 'cells'"),
        ({"cells": "many"}, "expected int"),
        ({"cells": "2.5"}, "expected int"),
        ({"auxiliary": "7"}, "expected bool"),
    ],
)
def test_a_wrong_option_is_named(options: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        construct(Darts, options=options)


def test_every_name_of_the_catalogue_is_a_class_or_makes_a_strategy() -> None:
    own = {
        "understanding-cells": Darts(cells=2, channels=4),
        "autoshrink": GeneticCnn(nodes=(3,), widths=(2,), kernel=3),
    }
    for kind in ("space", "strategy"):
        for name in catalogue.shipped(kind):
            made_by = catalogue.load(kind, name)
            if kind == "space" or inspect.isclass(made_by):
                assert isinstance(made_by, type)
            else:
                space = own.get(name) or NasBench201(channels=4, cells=1)
                assert construct(made_by, space, options={}).space is space


def test_an_unknown_name_brings_the_nearest() -> None:
    with pytest.raises(ConfigurationError, match="did you mean 'darts'"):
        catalogue.load("space", "dart")


def test_a_plug_in_comes_from_a_file_that_is_named(tmp_path) -> None:
    path = tmp_path / "mine_for_the_catalogue.py"
    path.write_text(
        "import netwright as nw\nclass Mine(nw.DecisionSpace):\n    def network(self, choose, shape): ...\n"
    )
    assert catalogue.load("space", f"{path}:Mine").__name__ == "Mine"
    with pytest.raises(ConfigurationError, match="no space class 'Miner'; did you mean 'Mine'"):
        catalogue.load("space", f"{path}:Miner")
    with pytest.raises(ConfigurationError, match="no strategy class 'Mine'"):
        catalogue.load("strategy", f"{path}:Mine")
    path.write_text("import a_module_that_is_not_there\n")
    with pytest.raises(ConfigurationError, match="does not import: ModuleNotFoundError"):
        catalogue.load("space", f"{path}:Mine")
    with pytest.raises(ConfigurationError, match="there is no file"):
        catalogue.load("space", f"{tmp_path}/none.py:Mine")


def test_the_population_follows_the_number_of_trials() -> None:
    space = NasBench201(channels=4, cells=1)
    strategy = Plan("digits", trials=40).make_strategy(space)
    assert strategy == strategy and isinstance(strategy, RegularizedEvolution)
    assert strategy.arguments["population"] == 10
    assert Plan("digits", trials=1000).make_strategy(space).arguments["population"] == 100
    own = Plan("digits", trials=40, strategy="evolution:population=8").make_strategy(space)
    assert own.arguments["population"] == 8


@pytest.mark.parametrize(
    "options", [{"epochs": 0}, {"trials": 0}, {"final_epochs": -1}, {"final_seeds": 0}, {"patience": 0}]
)
def test_a_plan_is_valid_from_birth(options: dict[str, int]) -> None:
    with pytest.raises(ConfigurationError, match="expected a whole number"):
        Plan("digits", **options)


def test_a_population_that_the_trials_cannot_fill_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="population of 50"):
        Plan("digits", trials=10, strategy="evolution:population=50").make_strategy(NasBench201(channels=4, cells=1))


def test_the_plan_of_a_run_keeps_its_strategy_when_trials_are_added() -> None:
    plan = Plan("digits", trials=8).resolved()
    more = Plan.from_json({**plan.to_json(), "trials": 40})
    space = NasBench201(channels=4, cells=1)
    assert repr(more.make_strategy(space)) == repr(plan.make_strategy(space))
    assert plan.resolved() == plan


@pytest.mark.parametrize("trials", [1, 2, 3])
def test_few_trials_are_not_refused_for_a_population_that_nobody_named(trials: int) -> None:
    Plan("digits", trials=trials).make_strategy(NasBench201(channels=4, cells=1))


def test_phases_of_a_genetic_algorithm_are_options() -> None:
    text = "genetic:selection=Tournament(3),survivor=OldestDies,mutation=EachDecision(rate=0.2)"
    made = Plan("digits", trials=40, strategy=text).make_strategy(NasBench201(channels=4, cells=1))
    assert "Tournament(size=3)" in repr(made) and "survivor=OldestDies(" in repr(made)


@pytest.mark.parametrize("text", ["chain:kernels=a", "nasnet:output=2", "mlp:widths=-3", "darts:operations=5"])
def test_a_value_that_the_constructor_cannot_take_is_one_message(text: str) -> None:
    name, options = split(text)
    with pytest.raises((ConfigurationError, UserError)):
        construct(catalogue.load("space", name), options=options)


def test_what_cannot_be_made_without_options_is_said_without_any() -> None:
    def broken() -> None:
        raise ValueError("not today")

    with pytest.raises(ConfigurationError, match=r"^broken cannot be made: not today$"):
        construct(broken, options={})


def test_a_value_stands_for_a_list_of_one_and_names_in_brackets_need_no_quotes() -> None:
    assert construct(Chain, options={"kernels": "3"}) == Chain(kernels=(3,))
    blocks = construct(Residual, options={"blocks": "basic", "squeezes": "false"})
    assert blocks == Residual(blocks=("basic",), squeezes=(False,))
    blocks = construct(Residual, options=split("residual:blocks=[basic,inverted_3],squeezes=[false, true]")[1])
    assert blocks == Residual(blocks=("basic", "inverted_3"))
    assert construct(NasNet, options={"operations": "[skip_connect,none]"}).operations == ("skip_connect", "none")
    assert construct(Darts, options={"operations": "darts"}) == Darts()
    assert construct(Mlp, options={"normalisations": "none"}) == Mlp(normalisations=("none",))
    assert construct(FreeGraph, options={"operations": "none"}) == FreeGraph()


def test_a_target_in_percent_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"for 95 % say 0\.95"):
        Plan("digits", target=95, objectives=("val_accuracy",))
    plan = Plan("digits", target=95, trials=1)
    task = plan.make_task()
    with pytest.raises(ConfigurationError, match=r"for 95 % say 0\.95"):
        plan.make_search(task, plan.make_space(task))


def test_the_time_ends_what_may_never_end() -> None:
    assert Plan("digits", target=0.9).time_limit == "1h"
    assert Plan("digits", target=0.9, trials=5).time_limit is None


def test_an_option_that_does_not_apply_is_named_as_it_was_typed() -> None:
    with pytest.raises(ConfigurationError, match="--target-column does not apply to digits"):
        Plan("digits", data_options={"target": "y"}).make_task()


def test_a_plan_survives_json() -> None:
    plan = Plan("digits", limits=("params <= 5",), trials=3, data_options={"limit": 100})
    assert Plan.from_json(json.loads(json.dumps(plan.to_json()))) == plan
    with pytest.raises(CorruptStore):
        Plan.from_json({"something": "else"})


def test_numbers_for_people() -> None:
    assert [duration(s) for s in (0.04, 9.94, 59.4, 61, 3599, 7260)] == [
        "0.0 s",
        "9.9 s",
        "59 s",
        "1 min 01 s",
        "59 min 59 s",
        "2 h 01 min",
    ]
    assert [amount(v) for v in (12, 35_200, 1.53e6, 2e9)] == ["12", "35.2k", "1.53M", "2G"]
    assert number("val_accuracy", 0.98765) == "98.77 %"
    assert number("params", 72_618) == "72.6k"
    assert [number(name, 0.9) for name in ("val_mean_iou", "test_f1_macro", "val_auroc")] == ["90.00 %"] * 3
    assert number("val_mape_of_y", 0.9) == "90.00 %"
    assert number("val_r2", 0.9) == "0.9" and number("val_mcc", 0.9) == "0.9"
    assert number("val_r2", -1.35e-5) == "0" and number("val_r2_of_y", -3.21e-4) == "-0.0003"
    assert number("val_mae", 1.35e-5) == "1.35e-05"  # an amount may be small
    assert rough(999_999) == "999,999"
    assert rough(1_076_746_950_455_072_400) == "about 1.1 x 10^18"


def test_the_closing_line_on_limits_counts_from_their_last_change() -> None:
    from netwright.cli.explaining import led_lines

    def trial(number: int, led: bool) -> Any:
        return SimpleNamespace(number=number, proposal=SimpleNamespace(instead_of="x" if led else None))

    def run(changes: Any, limits: Any = ("params <= 9,000",)) -> Any:
        trials = [trial(number, number in (1, 6)) for number in range(8)]
        return SimpleNamespace(trials=trials, kept=lambda key: changes, search=SimpleNamespace(limits=limits))

    assert led_lines(run(None))[0].startswith("limits: 2 candidates of 8 would have broken params <= 9,000;")
    changes = [{"asked": 2}, {"asked": 5}]
    assert led_lines(run(changes))[0].startswith(
        "limits: 1 candidate of 3 since trial 5, when limits were changed, would"
    )
    assert led_lines(run([{"asked": 7}])) == [] == led_lines(run(changes, ()))


def test_a_table_aligns_numbers_to_the_right() -> None:
    assert table(("name", "n"), [("a", "5"), ("long", "12")]) == ["name   n", "a      5", "long  12"]


def test_json_has_no_nan() -> None:
    assert finite({"a": [float("nan"), float("inf"), 1.5]}) == {"a": [None, None, 1.5]}


def test_a_stream_without_unicode_does_not_fail() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii", write_through=True)
    say("5 × 3", stream=stream)
    assert raw.getvalue() == b"5 ? 3\n"


def test_colours_need_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert colours(Terminal())
    assert not colours(io.StringIO())
    monkeypatch.setenv("NO_COLOR", "1")
    assert not colours(Terminal())


def test_a_warning_is_a_line_without_the_place_in_the_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def warn(_arguments: list[str]) -> int:
        warnings.warn("the search is paused:\n  no room", stacklevel=1)
        return 0

    monkeypatch.setattr(main, "run", warn)
    monkeypatch.setattr("netwright.cli.clock._started", None)  # main() notes when this process began: taken back after
    for arguments, expected in ((["netwright"], True), (["netwright", "--debug"], False)):
        monkeypatch.setattr(sys, "argv", arguments)
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.showwarning = _printed
            with pytest.raises(SystemExit, match="0"):
                main.main()
        assert (capsys.readouterr().err == "netwright: the search is paused: no room\n") is expected


def _printed(message: Warning | str, category: type[Warning], filename: str, lineno: int, *_: object) -> None:
    print(warnings.formatwarning(message, category, filename, lineno), file=sys.stderr)
