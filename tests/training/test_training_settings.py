from __future__ import annotations

import json

import pytest

from netwright.core.errors import ConfigurationError
from netwright.training import TrainingSettings

REFUSED = [
    ("epochs", -1, "at least 1"),
    ("epochs", 2.5, "an integer"),
    ("epochs", True, "an integer"),
    ("batch_size", 1, "at least 2"),
    ("optimiser", "sdg", "'sgd'"),
    ("learning_rate", "fast", "a number above 0"),
    ("learning_rate", float("nan"), "a number above 0"),
    ("momentum", 1.0, "below 1"),
    ("weight_decay", -1e-4, "at least 0"),
    ("schedule", "cosin", "did you mean 'cosine'"),
    ("warm_up", 1.0, "below 1"),
    ("minimum_learning_rate", 1.0, "at most learning_rate"),
    ("label_smoothing", 1.5, "below 1"),
    ("gradient_clip", 0, "or none"),
    ("auxiliary_weight", -0.4, "at least 0"),
    ("drop_path", 1.0, "below 1"),
    ("augment", "yes", "true or false"),
    ("nesterov", 1, "true or false"),
    ("cutout", -1, "at least 0"),
    ("augmentation", "strang", "did you mean 'strong'"),
    ("flip", 1, "'task'"),
    ("balance", 1.1, "from 0 to 1"),
    ("mixup", -0.1, "at least 0"),
    ("repeats", 0, "at least 1"),
    ("precision", "float16", "did you mean 'bfloat16'"),
    ("channels_last", "maybe", "'auto'"),
    ("channels_last", 1, "'auto'"),
    ("compile", None, "true or false"),
    ("threads", 0, "at least 1, or 'auto'"),
    ("average", 1.0, "or none"),
    ("evaluate_every", 0, "at least 1"),
    ("steps_per_epoch", 0, "an integer of at least 1, or none"),
    ("deterministic", "no", "true or false"),
    ("decay", 1.5, "from 0 to 1"),
    ("seconds", 0, "above 0, or none"),
    ("patience", 0, "at least 1, or none"),
    ("keep_best", "yes", "true or false"),
    ("part_decay", "yes", "true or false"),
    ("fresh_statistics", 1, "true or false"),
]


@pytest.mark.parametrize(("name", "value", "expected"), REFUSED)
def test_a_value_that_is_not_allowed_is_refused_by_name_with_what_is(name, value, expected):
    with pytest.raises(ConfigurationError) as caught:
        TrainingSettings(**{name: value})
    assert name in str(caught.value)
    assert repr(value) in str(caught.value)
    assert expected in str(caught.value)


def test_every_field_has_a_refusal():
    assert {name for name, _, _ in REFUSED} == set(TrainingSettings().arguments)


def test_an_unknown_option_is_refused_with_the_nearest():
    with pytest.raises(ConfigurationError, match="'epoch'; did you mean 'epochs'"):
        TrainingSettings(epoch=3)  # pyright: ignore


def test_compile_and_a_moving_drop_path_contradict():
    with pytest.raises(ConfigurationError, match="drop_path"):
        TrainingSettings(compile=True, drop_path=0.2)


def test_the_constructor_is_the_configuration():
    settings = TrainingSettings(epochs=3, average=0.99)
    assert repr(settings) == "TrainingSettings(epochs=3, average=0.99)"
    stored = json.loads(json.dumps(settings.configuration()))
    assert TrainingSettings(**stored["arguments"]) == settings
    assert hash(settings) == hash(TrainingSettings(epochs=3, average=0.99))
    assert settings.replace(epochs=4) == TrainingSettings(epochs=4, average=0.99)


def test_the_protocol_of_darts():
    protocol = TrainingSettings.DARTS_FINAL.arguments
    expected = {
        "epochs": 600,
        "batch_size": 96,
        "optimiser": "sgd",
        "learning_rate": 0.025,
        "minimum_learning_rate": 0.0,
        "momentum": 0.9,
        "nesterov": False,
        "weight_decay": 3e-4,
        "schedule": "cosine",
        "warm_up": 0.0,
        "cutout": 16,
        "auxiliary_weight": 0.4,
        "drop_path": 0.2,
        "gradient_clip": 5.0,
    }
    assert expected.items() <= protocol.items()
