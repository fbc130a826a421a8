"""How a person says on what latency is measured, what is known of limits beforehand, and energy where it is counted."""

import numpy as np
import pytest

from netwright.core.errors import ConfigurationError, UserError
from netwright.core.objective import Constraint
from netwright.core.task import TaskShape
from netwright.core.trial import Proposal
from netwright.engine.region import Region
from netwright.estimators import Energy, PredictedLatency
from netwright.estimators.machine import behind, energy, known_beforehand, nvml, where
from netwright.estimators.machine.operation_times import Fit
from netwright.spaces import Chain

SHAPE, SPACE = TaskShape((1, 8, 8), 10), Chain(width=4)


def test_a_text_says_how_latency_is_measured():
    assert where("") == {}
    assert where("torch:threads=2") == {"runtime": "torch", "threads": 2}
    assert where("compile:threads=4, batch=8") == {"runtime": "compile", "threads": 4, "batch": 8}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("tensorrt", "no runtime 'tensorrt'"),
        ("torch:thread=2", "no option 'thread'; did you mean 'threads'"),
        ("torch:threads=two", "threads is 'two'; expected a whole number"),
        ("torch:threads=0", "threads must be at least 1"),
    ],
)
def test_what_cannot_be_read_names_the_nearest(text, told):
    with pytest.raises(ConfigurationError, match=told.replace("threads must be at least 1", "threads")):
        PredictedLatency(SPACE, SHAPE, **where(text))


def test_stages_get_it():
    found = behind(Energyless(SPACE, SHAPE), SPACE, SHAPE, ["latency_ms"], "torch:threads=2,batch=3")
    predicted, measured, _ = found.stages()
    assert [each.place.threads for each in (predicted, measured)] == [2, 2]  # pyright: ignore
    assert [each.place.batch for each in (predicted, measured)] == [3, 3]  # pyright: ignore


class Energyless(PredictedLatency):
    """Any other estimator."""

    metrics = ("something",)


def test_limits_on_what_is_measured_later_go_by_what_foretells_it(monkeypatch):
    monkeypatch.setattr(PredictedLatency, "fit", Fit(error=0.05, reach=0.2))
    monkeypatch.setattr(PredictedLatency, "of", lambda self, architecture: 2.0)
    architecture = SPACE.sample(np.random.default_rng(0))
    for limit, kept in (("latency_ms <= 2.2", True), ("latency_ms <= 1.9", False), ("val_accuracy >= 0.9", True)):
        limits = [Constraint.parse(limit)]
        stages = known_beforehand(SPACE, SHAPE, [each.metric for each in limits]).stages()
        region = Region(SPACE, stages, limits)
        assert region.keeps(architecture) == kept and region.active == limit.startswith("latency")
        assert region.may_keep(architecture)  # what foretells it errs


class Nvml:
    """NVIDIA's library as far as energy needs it: 5,000 mJ, and 250 more with each reading."""

    def __init__(self, status: int = 0) -> None:
        self.status, self.read, self.asked = status, 4_750, []

    def nvmlInit_v2(self):
        return 0

    def nvmlDeviceGetHandleByUUID(self, name, handle):
        self.asked.append(name.value)
        return 0

    def nvmlDeviceGetTotalEnergyConsumption(self, handle, found):
        self.read += 250
        found._obj.value = self.read
        return self.status


def test_energy_of_a_gpu_is_what_its_library_counts(monkeypatch):
    with pytest.raises(UserError, match="energy_j is not available here"):
        energy.counters("cuda")
    library = Nvml()
    monkeypatch.setattr(nvml, "_library", lambda: library)
    monkeypatch.setattr(nvml, "_uuid", lambda device: f"GPU-of-{device}")
    before = energy.counters("cuda:1")
    assert energy.spent(before, energy.counters("cuda:1")) == 0.25
    assert library.asked == [b"GPU-of-cuda:1"] * 2
    monkeypatch.setattr(nvml, "_library", lambda: Nvml(status=3))
    with pytest.raises(UserError, match=r"nvmlDeviceGetTotalEnergyConsumption .* ended with status 3"):
        energy.counters("cuda:1")


def test_energy_is_counted_where_the_machine_counts_it(tmp_path, monkeypatch):
    monkeypatch.setattr(energy, "COUNTERS", tmp_path)
    monkeypatch.setattr(energy, "SECONDS", 0.02)
    with pytest.raises(UserError, match=r"energy_j is not available here: there is nothing like .*energy_uj"):
        Energy(SPACE, SHAPE)
    (tmp_path / "intel-rapl:0").mkdir()
    counter = tmp_path / "intel-rapl:0" / "energy_uj"
    counter.write_text("1000000\n")
    assert Energy(SPACE, SHAPE).estimate(Proposal(SPACE.sample(np.random.default_rng(0))), 0).metrics == {"energy_j": 0}
    before = energy.counters()
    counter.write_text("3500000\n")
    assert energy.spent(before, energy.counters()) == 2.5
    (tmp_path / "intel-rapl:0" / "max_energy_range_uj").write_text("4000000\n")
    counter.write_text("500000\n")
    assert energy.spent(before, energy.counters()) == 3.5  # the counter went round
