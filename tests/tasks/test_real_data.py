"""The real data sets, where the variable NETWRIGHT_DATA names the folder that holds them."""

import os
from pathlib import Path

import pytest
import torch
from exported_tables import features

from netwright import tasks

DATA = Path(os.environ.get("NETWRIGHT_DATA", "data that is not there"))


def needs(name):
    return pytest.mark.skipif(not (DATA / name).exists(), reason=f"NETWRIGHT_DATA holds no {name}")


@needs("cifar10-jpeg/train.npz")
def test_cifar10_has_the_known_statistics():
    task = tasks.cifar10(DATA / "cifar10-jpeg", limit=0.2)
    assert len(task.train) == 10000 and len(task.test) == 2000
    assert task.final_data().mean == pytest.approx((0.4914, 0.4822, 0.4465), abs=0.005)
    assert task.class_names[0] == "airplane"


@needs("mnist/mnist.npz")
def test_mnist_has_the_known_statistics():
    data = tasks.mnist(DATA / "mnist").final_data()
    assert len(data.train) == 60000 and len(data.held_out) == 10000
    assert (*data.mean, *data.std) == pytest.approx((0.1307, 0.3081), abs=1e-4)


@needs("tabular/adult-train.csv")
def test_adult_has_its_rows_and_classes():
    task = tasks.csv(DATA / "tabular/adult-train.csv", target=-1, test=DATA / "tabular/adult-test.csv")
    assert (len(task.train), len(task.test)) == (32561, 16281)
    assert task.class_names == ("<=50K", ">50K") and int(task.train.targets.sum()) == 7841


@needs("tabular/adult-train.csv")
def test_exported_code_finds_the_features_of_adult(tmp_path):
    train, test = DATA / "tabular/adult-train.csv", DATA / "tabular/adult-test.csv"
    task = tasks.csv(train, target=-1, test=test)
    assert torch.equal(features(task, tmp_path, [train]), task.train.inputs)
    assert torch.equal(features(task, tmp_path, [test]), task.test.inputs)


@needs("tabular/california_housing.csv")
def test_exported_code_finds_the_features_of_california_housing(tmp_path):
    path = DATA / "tabular/california_housing.csv"
    task = tasks.csv(path, target="ocean_proximity", test=path, nan="impute-median")
    assert torch.equal(features(task, tmp_path, [path]), task.train.inputs)
    assert any("20,640 of 20,640 test rows equal a training row" in note for note in task.notes)
