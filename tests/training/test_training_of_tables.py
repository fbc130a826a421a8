"""Training networks for tables: quantiles of the training rows, members each by itself, and raw rows afterwards."""

import importlib.util
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from netwright import tasks
from netwright.cli.main import run
from netwright.core.task import Examples
from netwright.results.network_source import write_source
from netwright.spaces.tables import Tables
from netwright.training.settings import TrainingSettings
from netwright.training.trainer import train

SETTINGS = TrainingSettings(epochs=2, batch_size=32, optimiser="adamw", learning_rate=0.01)
SPACE = Tables(widths=(16,), least=1, most=1, dropouts=(0.1,), sizes=(4,), category_size=2)


@pytest.fixture(scope="module")
def task(tmp_path_factory):
    rng = np.random.default_rng(0)
    rows = ["size,city,kind,price"]
    for i in range(200):
        size = "" if i % 17 == 0 else f"{rng.lognormal():.4f}"
        rows.append(f"{size},{'abcde'[rng.integers(5)]},{['old', 'new'][i % 2]},{rng.normal():.3f}")
    path = tmp_path_factory.mktemp("table") / "rows.csv"
    path.write_text("\n".join(rows))
    return tasks.csv(path, target="price", nan="impute-median")


def network_of(task, numbers="piecewise", members=4, block="plain"):
    space = replace(SPACE, numbers=(numbers,), members=(members,), blocks=(block,))
    torch.manual_seed(0)
    return space.build(space.sample(np.random.default_rng(0)), task.shape)


def test_a_table_says_of_its_columns_how_many_features_each_became(task):
    assert task.shape.columns == (1, 5, 2) and task.shape.input == (8,)


def test_quantiles_are_those_of_the_training_rows_alone(task):
    data = task.search_data(0)
    network = network_of(task)
    train(network, data, SETTINGS, 0)
    numbers = network.first.rows.numbers
    column = (data.train.inputs[:, 0] - data.mean[0]) / data.std[0]
    assert torch.allclose(numbers.centre[0], column.median(), atol=0.05)
    far = Examples(data.held_out.inputs + 100, data.held_out.targets)
    other = network_of(task)
    train(other, replace(data, held_out=far), SETTINGS, 0)
    assert all(torch.equal(one, two) for one, two in zip(network.parameters(), other.parameters(), strict=True))
    assert torch.equal(numbers.left, other.first.rows.numbers.left)


@pytest.mark.parametrize("members", [1, 4])
def test_a_training_that_is_continued_ends_with_the_same_bits(task, tmp_path, members):
    data, whole, parts = task.search_data(0), network_of(task, members=members), network_of(task, members=members)
    train(whole, data, SETTINGS, 0)
    train(parts, data, SETTINGS, 0, checkpoint=tmp_path / "state", until=1)
    again = network_of(task, members=members)
    train(again, data, SETTINGS, 0, checkpoint=tmp_path / "state")
    assert all(torch.equal(whole.state_dict()[name], each) for name, each in again.state_dict().items())


def test_members_learn_each_by_itself(task):
    data, network = task.search_data(0), network_of(task)
    result = train(network, data, SETTINGS, 0)
    assert np.isfinite(result.metrics["train_loss"]) and np.isfinite(result.metrics["val_r2"])
    weights = network.head.weight.detach()
    assert len({round(float(each.norm()), 5) for each in weights}) == 4


def test_the_network_as_code_gives_the_same_answers(task, tmp_path):
    network = network_of(task)
    train(network, task.final_data(), SETTINGS, 0)
    rows = torch.randn(50, 8)
    source = write_source(network, rows[:2])
    own = tmp_path / "own_network.py"
    own.write_text(
        f"import torch\nfrom collections import OrderedDict\nfrom torch import Tensor, nn\n\n\n{source.code}\n"
    )
    spec = importlib.util.spec_from_file_location("own_network", own)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    alone = module.build().eval()
    alone.load_state_dict(source.tensors)
    with torch.no_grad():
        assert torch.equal(alone(rows), network.eval()(rows))


@pytest.mark.slow
def test_the_exported_model_answers_raw_rows(task, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table = task.preparation.source.path
    options = ["--target-column", "price", "--nan", "impute-median", "--space", "tables:widths=(16,),members=(2,)"]
    options += ["--epochs", "1", "--trials", "1", "--final-epochs", "1", "--final-seeds", "1", "--no-baselines"]
    assert run(["search", str(table), *options, "--export", "best"]) == 0
    assert "Numbers(nn.Module)" in (tmp_path / "best" / "model.py").read_text()
    new = tmp_path / "new.csv"
    new.write_text("city,size,kind\na,,old\nelsewhere,1e9,new\n")
    done = subprocess.run(
        [sys.executable, tmp_path / "best" / "model.py", new], capture_output=True, text=True, check=True
    )
    assert len(done.stdout.splitlines()) >= 2
    assert "1 gaps in 'size'" in done.stderr and "1 rows hold a text in 'city' such as 'elsewhere'" in done.stderr
    new.write_text("city,size\na,1\n")
    lacking = subprocess.run([sys.executable, tmp_path / "best" / "model.py", new], capture_output=True, text=True)
    assert lacking.returncode != 0 and "lacks the column 'kind'" in lacking.stderr and "Traceback" not in lacking.stderr
