"""What the default search decides on, from data, machine and time; the pace of the machine is given."""

from __future__ import annotations

import json

import numpy as np
import pytest

import netwright as nw
from netwright.core.chance import by_chance
from netwright.core.objective import Constraint
from netwright.methods.automatic import Decided, decided, validation_share
from netwright.spaces.with_training import WithTraining
from netwright.training.mirrors import Mirrored
from netwright.training.timing import Pace

STEP = Pace(0.01, 0.5, 0.05)
TURNED = Mirrored(False, "images are not mirrored, which would change their answers")
SPACE = nw.spaces.Chain(width=4)


@pytest.fixture(scope="module")
def task() -> nw.tasks.Task:
    return nw.tasks.open_task("digits")


def plan(task: nw.tasks.Task, seconds: float = 300, **options: object) -> Decided:
    options = {"pace": STEP, "mirrored": TURNED, **options}
    return decided(task, SPACE, seconds, device="cpu", **options)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("seconds", [20, 45, 300, 1800])
@pytest.mark.parametrize("step", [0.001, 0.01, 0.3])
def test_all_parts_fit_into_the_time(task: nw.tasks.Task, seconds: float, step: float) -> None:
    found = plan(task, seconds, pace=Pace(step, 50 * step, 5 * step), after=3.0)
    assert found.seconds + found.after == pytest.approx(seconds)
    assert found.after >= 3.0
    assert found.full <= 0.5 * found.seconds
    assert 1 / 27 <= found.least <= 1 / 3
    assert 0.1 <= found.validation <= 0.2


def test_numbers_are_answered_by_several_networks_and_classes_by_one(task: nw.tasks.Task) -> None:
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(800, 4)).astype(np.float32)
    numbers = nw.tasks.arrays(inputs, inputs.sum(1), problem="regression")
    pace, limit = Pace(0.002, 0.1, 0.01), [Constraint("params", 10_000)]
    assert decided(numbers, nw.spaces.Tables(), 3600, device="cpu", pace=pace).copies > 1
    assert decided(numbers, nw.spaces.Tables(), 3600, device="cpu", pace=pace, limits=limit).copies == 1
    found = plan(task, 3600, pace=pace)
    assert found.again and found.copies == 1


@pytest.mark.parametrize("seconds", [-5.0, 0.0, 0.3])
def test_where_no_time_is_left_a_moment_is_taken(task: nw.tasks.Task, seconds: float) -> None:
    found = plan(task, seconds, after=4.0)
    assert found.full > 0 and found.seconds > 0


def test_where_time_is_short_most_of_it_is_the_leaders(task: nw.tasks.Task) -> None:
    found = plan(task, 60, pace=Pace(0.2, 10, 1))
    assert found.full == pytest.approx(0.45 * found.seconds)
    assert not found.again


def test_where_there_is_much_time_trainings_are_no_longer_than_they_pay(task: nw.tasks.Task) -> None:
    found = plan(task, 3600, pace=Pace(0.002, 0.1, 0.01))
    assert found.full < 0.02 * found.seconds
    assert found.again, "training anew on all examples costs little here"


def test_the_first_judgement_comes_after_some_steps(task: nw.tasks.Task) -> None:
    quick, slow = plan(task, 300, pace=Pace(0.005, 0.25, 0.05)), plan(task, 300, pace=Pace(0.5, 25, 2))
    assert quick.least == pytest.approx(1 / 27)
    assert slow.least * slow.full >= 60 * 0.5 or slow.least == pytest.approx(1 / 3)


def test_well_known_networks_begin_with_the_usual_training(task: nw.tasks.Task) -> None:
    found = plan(task)
    space = found.space(SPACE)
    assert isinstance(space, WithTraining)
    assert list(found.known) == list(SPACE.known(task.shape))
    race = found.strategy(space)
    for name, architecture in race.first:
        assert space.untrained(architecture) == SPACE.known(task.shape)[name]
        assert space.training_of(architecture) == {name: each[0] for name, each in found.choices.items()}


def test_what_the_person_decides_on_is_not_raced(task: nw.tasks.Task) -> None:
    assert "learning_rate" in plan(task).choices
    found = plan(task, given={"learning_rate": 0.02}, validation=0.3)
    assert "learning_rate" not in found.choices
    training = found.training(found.space(SPACE), task, "cpu")
    assert training.settings.learning_rate == 0.02
    assert training.validation == found.validation == 0.3


def test_trainings_keep_the_weights_that_are_best_by_what_is_asked_for(task: nw.tasks.Task) -> None:
    found = plan(task, metric="cohen_kappa")
    training = found.training(found.space(SPACE), task, "cpu")
    assert training.judged_by == "cohen_kappa"
    assert "val_cohen_kappa" in training.metrics, "what it is judged by is measured"
    assert plan(task, metric="params").judged_by == "", "which no training can keep the best of"


def test_is_plain_data(task: nw.tasks.Task) -> None:
    found = plan(task)
    again = Decided.from_json(json.loads(json.dumps(found.as_json())))
    assert again == found
    space = found.space(SPACE)
    assert again.strategy(space).configuration() == found.strategy(space).configuration()
    assert again.training(space, task, "cpu").configuration() == found.training(space, task, "cpu").configuration()


def test_images_are_mirrored_where_that_changes_nothing(task: nw.tasks.Task) -> None:
    found = plan(task)
    assert found.settings["flip"] is False
    assert "flip" not in plan(task, mirrored=Mirrored(None)).settings
    assert plan(task, mirrored=Mirrored(True), given={"augment": False}).settings["augment"] is False
    assert plan(task, given={"flip": True}).settings["flip"] is True
    assert found.lines()[-1] == f"data: {TURNED.reason}"


def test_rare_classes_count_where_the_metric_asks_for_them(task: nw.tasks.Task) -> None:
    assert "balance" not in plan(task).settings
    found = plan(task, metric="balanced_accuracy")
    assert found.settings["balance"] == 1.0 == found.choices["balance"][0]
    assert "balanced_accuracy" in found.lines()[-1]
    assert plan(task, metric="f1_macro", given={"balance": 0.0}).settings["balance"] == 0.0


def test_says_what_will_be_tried(task: nw.tasks.Task) -> None:
    lines = plan(task).lines()
    assert len(lines) <= 5
    assert all(name in lines[0] for name in SPACE.known(task.shape))
    assert "learning rate" in lines[1]
    assert "1,617" in lines[2]


def test_a_network_that_keeps_the_limits_is_timed(task: nw.tasks.Task) -> None:
    limit = Constraint.parse("params <= 20k")
    found = decided(task, SPACE, 30, device="cpu", limits=[limit], mirrored=TURNED)
    assert found.full > 0


def test_a_search_of_a_few_seconds(task: nw.tasks.Task) -> None:
    small = nw.tasks.open_task("digits", limit=300)
    found = decided(small, SPACE, 4, device="cpu")
    space = found.space(SPACE)
    run = nw.Search(found.strategy(space), found.training(space, small, "cpu")).run()
    highest = max(trial.scores[0] for trial in run.trials)
    assert run.best.scores[0] >= highest - by_chance(highest, found.judged_on)
    names = [(trial.proposal.memo or {}).get("known") for trial in run.trials]
    assert names[0] == next(iter(found.known))


def test_the_winner_is_trained_anew_where_the_examples_were_gone_through_often_enough(task: nw.tasks.Task) -> None:
    often, seldom = plan(task, 300, pace=Pace(0.01, 0.5, 0.05)), plan(task, 60, pace=Pace(0.2, 10, 1))
    assert often.again and not seldom.again
    race = often.strategy(often.space(SPACE))
    assert race.anew >= 1 / (1 - often.validation) and race.overlap == 0.3
    assert seldom.strategy(seldom.space(SPACE)).anew == 0


def test_as_many_trainings_at_once_as_the_threads_are_enough_for(task: nw.tasks.Task) -> None:
    quick = Pace(0.01, 0.5, 0.05, at_once=2)
    found = plan(task, 300, pace=quick)
    assert found.workers == 2 and "2 trainings at once" in found.lines()[3]
    assert found.seconds < plan(task, 300).seconds, "processes take time to start"
    assert plan(task, 20, pace=quick).workers == 1, "processes would not be worth their start"
    assert plan(task, 300, pace=Pace(0.01, 0.5, 0.05, at_once=64)).workers == 8


def test_chance_counts_where_the_score_is_a_share_of_examples(task: nw.tasks.Task) -> None:
    share = plan(task)
    assert share.judged_on == round(share.validation * share.examples)
    assert plan(task, metric="log_loss").judged_on == 0
    assert plan(task, metric="params").judged_on == 0


def test_a_schedule_of_the_persons_own_has_no_decay_of_its_parts(task: nw.tasks.Task) -> None:
    found = plan(task, given={"schedule": "cosine"})
    assert found.settings["part_decay"] is False and found.strategy(found.space(SPACE)).overlap == 0
    assert plan(task, given={"keep_best": False}).settings["part_decay"] is False


@pytest.mark.parametrize(("examples", "share"), [(100, 0.2), (20_000, 0.2), (32_000, 0.125), (100_000, 0.1)])
def test_enough_is_validated_on(examples: int, share: float) -> None:
    assert validation_share(examples) == pytest.approx(share)
