from __future__ import annotations

import hashlib
import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from training_parts import image_data, same_bits, small

from netwright.core import checkpoints
from netwright.core.errors import ConfigurationError
from netwright.training import TrainingSettings, checkpoint, train

COMBINATIONS = [
    {"optimiser": optimiser, "schedule": schedule, "average": average}
    for optimiser in ("sgd", "adamw")
    for schedule in ("cosine", "one_cycle", "constant")
    for average in (None, 0.9)
]
COMBINATIONS.append({**COMBINATIONS[-1], "precision": "bfloat16"})
SETTINGS = TrainingSettings(epochs=6, batch_size=16, drop_path=0.3, average=0.9)


class Stopped(Exception):
    pass


def stop_after(epoch: int):
    def on_epoch(entry):
        if entry["epoch"] == epoch:
            raise Stopped

    return on_epoch


def interrupted(folder: Path, settings: TrainingSettings = SETTINGS, after: int = 3) -> None:
    with pytest.raises(Stopped):
        train(small(seed=1, auxiliary=True), image_data(), settings, 5, checkpoint=folder, on_epoch=stop_after(after))


def finished(folder: Path | None, settings: TrainingSettings = SETTINGS):
    # The seed of the initial weights differs, so only the checkpoint can bring the weights.
    network = small(seed=1 if folder is None else 2, auxiliary=True)
    return network, train(network, image_data(), settings, 5, checkpoint=folder)


def numbers(result) -> list[dict]:
    return [{**entry, "seconds": 0} for entry in result.curve]


@pytest.mark.parametrize("combination", COMBINATIONS, ids=lambda c: "-".join(map(str, c.values())))
def test_three_and_three_epochs_are_six(tmp_path, combination):
    settings = SETTINGS.replace(learning_rate=0.01, **combination)
    whole, expected = finished(None, settings)
    interrupted(tmp_path, settings)
    continued, found = finished(tmp_path, settings)
    assert same_bits(whole, continued)
    assert numbers(found) == numbers(expected)
    assert found.metrics == expected.metrics
    assert found.notes == ()


KILLED = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
import torch
torch.set_num_threads(1)
from pathlib import Path
from training_parts import image_data, small
from netwright.training import train
from test_checkpoint import SETTINGS

def kill(entry):
    if entry["epoch"] == 4:
        os.kill(os.getpid(), signal.SIGKILL)

train(small(seed=1, auxiliary=True), image_data(), SETTINGS, 5, checkpoint=Path(sys.argv[2]), on_epoch=kill)
"""


def test_a_killed_process_is_continued_bit_for_bit(tmp_path):
    path = os.pathsep.join(filter(None, (str(Path(checkpoint.__file__).parents[2]), os.environ.get("PYTHONPATH"))))
    command = [sys.executable, "-c", KILLED, str(Path(__file__).parent), str(tmp_path)]
    ended = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, timeout=120)
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
    whole, expected = finished(None)
    continued, found = finished(tmp_path)
    assert same_bits(whole, continued)
    assert numbers(found) == numbers(expected)


def test_a_finished_training_is_read_back_without_training(tmp_path):
    first, expected = finished(tmp_path)
    seen = []
    network = small(seed=9, auxiliary=True)
    found = train(network, image_data(), SETTINGS, 5, checkpoint=tmp_path, on_epoch=seen.append)
    assert seen == []
    assert same_bits(first, network)
    assert found.metrics == expected.metrics
    assert found.epochs == 6


def test_a_training_ended_by_its_deadline_can_go_on(tmp_path, monkeypatch):
    whole, _ = finished(None)
    monkeypatch.setattr("netwright.training.loop.Loop._expected", lambda loop, seconds: 1e9 * (len(loop.curve) == 2))
    network = small(seed=1, auxiliary=True)
    first = train(network, image_data(), SETTINGS, 5, checkpoint=tmp_path, deadline=time.monotonic() + 1e6)
    assert (first.stopped, first.epochs) == ("deadline", 3)
    continued, _ = finished(tmp_path)
    assert same_bits(whole, continued)


def test_two_generations_are_kept_and_are_private(tmp_path):
    folder = tmp_path / "new" / "folder"
    interrupted(folder, after=5)
    names = sorted(path.name for path in folder.iterdir())
    assert names == [f"epoch-{n:06d}.{kind}" for n in (4, 5) for kind in ("json", "safetensors", "state")]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_checkpoints_can_be_rarer(tmp_path):
    interrupted_at = []
    train(
        small(auxiliary=True),
        image_data(),
        SETTINGS,
        5,
        checkpoint=tmp_path,
        checkpoint_every=4,
        on_epoch=lambda entry: interrupted_at.append(sorted(p.name for p in tmp_path.glob("*.json"))),
    )
    four, six = "epoch-000004.json", "epoch-000006.json"
    assert interrupted_at == [[], [], [], [four], [four], [four, six]]


@pytest.mark.parametrize("suffix", ["safetensors", "state", "json"])
@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "missing", "garbage"])
def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(tmp_path, suffix, damage):
    whole, _ = finished(None)
    interrupted(tmp_path)
    _damage(tmp_path / f"epoch-000003.{suffix}", damage)
    continued, found = finished(tmp_path)
    assert same_bits(whole, continued)
    if (suffix, damage) != ("json", "missing"):  # without a manifest there is no generation
        assert len(found.notes) == 1
        assert "checkpoint of epoch 3" in found.notes[0]
        assert "passed over" in found.notes[0]


def _damage(path: Path, damage: str) -> None:
    content = path.read_bytes()
    if damage == "missing":
        path.unlink()
    elif damage == "flip":
        middle = len(content) // 2
        path.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
    else:
        path.write_bytes({"cut": content[:-7], "empty": b"", "garbage": b"[" * 100_000}[damage])


def test_with_no_undamaged_checkpoint_the_training_starts_again(tmp_path):
    interrupted(tmp_path)
    for path in tmp_path.glob("*.state"):
        _damage(path, "flip")
    network = small(seed=1, auxiliary=True)
    found = train(network, image_data(), SETTINGS, 5, checkpoint=tmp_path)
    whole, _ = finished(None)
    assert same_bits(whole, network)
    assert len(found.notes) == 3
    assert "it starts again" in found.notes[-1]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"learning_rate": 0.2}, "settings.learning_rate differs (0.1 there, 0.2 here)"),
        ({"epochs": 12}, "settings.epochs differs (6 there, 12 here)"),
    ],
)
def test_a_checkpoint_of_other_settings_is_refused(tmp_path, changes, expected):
    interrupted(tmp_path)
    with pytest.raises(ConfigurationError) as caught:
        finished(tmp_path, SETTINGS.replace(**changes))
    assert expected in str(caught.value)


def test_a_checkpoint_of_another_network_seed_or_data_is_refused(tmp_path):
    interrupted(tmp_path)
    for network, data, seed, expected in (
        (small(), image_data(), 5, "network differs"),
        (small(auxiliary=True), image_data(), 6, "seed differs"),
        (small(auxiliary=True), image_data(39), 5, "training examples differs"),
    ):
        with pytest.raises(ConfigurationError, match=expected):
            train(network, data, SETTINGS, seed, checkpoint=tmp_path)


def test_another_thread_count_is_noted(tmp_path):
    interrupted(tmp_path, after=5)
    _, found = finished(tmp_path, SETTINGS.replace(threads=2))
    assert len(found.notes) == 1
    assert "threads 1 -> 2" in found.notes[0]
    assert "last bits" in found.notes[0]


def test_a_checkpoint_that_cannot_be_written_is_noted_and_the_training_goes_on(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    whole, expected = finished(None)
    network = small(seed=1, auxiliary=True)
    found = train(network, image_data(), SETTINGS, 5, checkpoint=blocked)
    assert same_bits(whole, network)
    assert numbers(found) == numbers(expected)
    assert len(found.notes) == 1
    assert "no checkpoint of epoch 1" in found.notes[0] and "goes on without" in found.notes[0]
    assert blocked.read_text() == "in the way"


def test_the_state_is_loaded_without_running_code(tmp_path):
    interrupted(tmp_path)
    marker = tmp_path / "marker"

    class Evil:
        def __reduce__(self):
            return os.system, (f"touch {marker}",)

    path = tmp_path / "epoch-000003.state"
    torch.save({"optimiser": Evil(), "average": None}, path)
    manifest_path = path.with_suffix(".json")
    manifest = json.loads(manifest_path.read_text())
    del manifest["manifest_sha256"]
    manifest["sha256"][path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
    manifest_path.write_text(json.dumps({**manifest, "manifest_sha256": checkpoints.digest(manifest)}))
    _, found = finished(tmp_path)
    assert not marker.exists()
    assert "epoch 3" in found.notes[0] and "unsafe pickle refused: global posix.system" in found.notes[0]
