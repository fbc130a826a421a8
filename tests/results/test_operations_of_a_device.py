"""Which operations a device must have is known before a search, by the names of ONNX."""

from __future__ import annotations

from pathlib import Path

import pytest
from torch import nn
from typer.testing import CliRunner

from netwright.cli.app import app
from netwright.core.choose import Choose
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import UserError
from netwright.core.task import TaskShape
from netwright.results.operations import check_operations, operations_needed, read_operations
from netwright.spaces import Residual


class Activations(DecisionSpace):
    def network(self, choose: Choose, shape: TaskShape) -> nn.Module:
        width = choose.value("width", [4, 8])
        kinds = {"relu": nn.ReLU, "hardswish": nn.Hardswish, "tanh": nn.Tanh}
        return nn.Sequential(
            nn.Flatten(),
            nn.Linear(shape.features, width),
            choose.one("activation", kinds),
            nn.Linear(width, shape.outputs),
        )


SHAPE = TaskShape((1, 8, 8), 10)


def test_each_operation_is_known_with_the_option_that_brings_it() -> None:
    needed = {each.name: each for each in operations_needed(Activations(), SHAPE)}
    assert set(needed) == {"Flatten", "Gemm", "Relu", "HardSwish", "Tanh"}
    assert needed["Gemm"].networks == needed["Gemm"].of and not needed["Gemm"].where
    assert (
        needed["HardSwish"].where == ("activation: hardswish",) and 0 < needed["HardSwish"].networks < needed["Gemm"].of
    )
    check_operations(tuple(needed.values()), frozenset(needed), "all.txt")
    with pytest.raises(UserError, match=r"board\.txt lacks HardSwish, .* those with activation: hardswish") as found:
        check_operations(tuple(needed.values()), frozenset(needed) - {"HardSwish"}, "board.txt")
    assert "\n" not in str(found.value)


def test_an_option_that_most_networks_have_is_named_too() -> None:
    """Of networks with several blocks few lack what one block in two brings; these are looked at as well."""
    needed = {each.name: each for each in operations_needed(Residual(blocks=("basic",), most_stages=3), SHAPE)}
    assert needed["Sigmoid"].where == ("squeeze: True",) and needed["Conv"].where == ()


def test_a_file_of_names(tmp_path: Path) -> None:
    path = tmp_path / "ops.txt"
    path.write_text("# of the board\nConv, Gemm\nRelu  # as it is\n")
    assert read_operations(path) == {"Conv", "Gemm", "Relu"}
    path.write_text('["Conv", "Gemm"]')
    assert read_operations(path) == {"Conv", "Gemm"}
    path.write_text("Conv Gem")
    with pytest.raises(UserError, match=r"no operation 'Gem'; did you mean 'Gemm'"):
        read_operations(path)
    for text in ("", "# nothing\n"):
        path.write_text(text)
        with pytest.raises(UserError, match="names no operation"):
            read_operations(path)
    with pytest.raises(UserError, match="cannot be read: No such file"):
        read_operations(tmp_path / "none.txt")


def test_a_search_is_refused_before_it_trains(tmp_path: Path) -> None:
    path = tmp_path / "ops.txt"
    path.write_text("Conv Gemm Flatten Add Relu")
    words = ["search", "digits", "--space", "mlp", "--examples", "60", "--dir", str(tmp_path / "runs"), "--trials", "1"]
    done = CliRunner().invoke(app, [*words, "--operations-allowed", str(path)])
    said = str(done.exception)
    assert isinstance(done.exception, UserError) and "ops.txt lacks" in said and "HardSwish" not in said


def test_a_resumed_search_remembers_what_the_device_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from netwright.cli.search import Command

    path, runs = tmp_path / "ops.txt", ["--dir", str(tmp_path / "runs")]
    path.write_text("Gemm Flatten Relu HardSwish Sigmoid Tanh Add BatchNormalization Gelu Erf Mul Div")
    asked: list[tuple[tuple[str, ...], str]] = []

    def noted(self: Command) -> None:
        asked.append((self.plan.operations_allowed, self.plan.operations_file))

    monkeypatch.setattr(Command, "check_operations", noted)
    short = ["--strategy", "random", "--epochs", "1", "--final-epochs", "0", "--examples", "60", "--name", "a"]
    words = ["search", "digits", "--space", "mlp", "--trials", "1", *short, *runs]
    assert CliRunner().invoke(app, [*words, "--operations-allowed", str(path)]).exit_code == 0
    path.write_text("Gemm Relu")
    assert CliRunner().invoke(app, ["resume", "a", "--trials", "2", *runs]).exit_code == 0
    assert len(asked) == 2 and asked[0] == asked[1]
    assert "HardSwish" in asked[0][0] and len(asked[0][0]) == 12 and asked[0][1] == str(path)
    again = CliRunner().invoke(app, [*words, "--resume", "--operations-allowed", str(path)])
    assert "cannot go on as another search: --operations-allowed was" in str(again.exception)
