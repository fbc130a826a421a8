"""A race: who begins, who goes on, and that the best comes to its end within the time."""

from __future__ import annotations

import numpy as np
import pytest

from netwright.core.architecture import Architecture
from netwright.core.errors import StopSearch, UserError
from netwright.core.trial import Measurement, Proposal, Trial
from netwright.spaces import NasBench201
from netwright.strategies import Race
from netwright.testing import check_strategy
from netwright.testing.small_spaces import Layers

FULL = 45.0  # seconds of a full training


class Course:
    """Searches with a clock of its own: a training takes as long as its share says, and a better candidate scores
    more at each share."""

    def __init__(self, race: Race, slots: int = 1, seed: int = 0, fails: tuple[str, ...] = ()) -> None:
        self.race, self.now, self.trials = race, 0.0, list[Trial]()
        rng, running, worth = (
            np.random.default_rng(seed),
            list[tuple[float, int, Proposal]](),
            dict[Architecture, float](),
        )
        self.stopped = ""
        number = 0
        while not self.stopped or running:
            while not self.stopped and len(running) < slots:
                try:
                    asked = race.ask(rng)
                except StopSearch as stop:
                    self.stopped = str(stop)
                    break
                if asked is None:
                    break
                running.append((self.now + self.takes(asked), number, asked))
                number += 1
            if not running:
                break
            running.sort()
            ends, which, proposal = running.pop(0)
            seconds, self.now = self.takes(proposal), ends
            known = (proposal.memo or {}).get("known", "")
            score = worth.setdefault(proposal.candidate, rng.random()) + proposal.share  # pyright: ignore[reportArgumentType]
            failed = known in fails and known
            trial = Trial(
                which,
                proposal,
                "diverged" if failed else "completed",
                self.measurement(proposal),
                () if failed else (score,),
                seconds=seconds,
            )
            race.tell(trial)
            self.trials.append(trial)

    def measurement(self, proposal: Proposal) -> Measurement:
        return Measurement({})

    def takes(self, proposal: Proposal) -> float:
        """Seconds; those of the last decay of a training are spent anew where its parts have decays of their own."""
        return FULL * (proposal.share - (1 - self.race.overlap) * self.before(proposal))

    def before(self, proposal: Proposal) -> float:
        """The share that the candidate has behind it."""
        return next((each.share for each in self.trials if each.number == proposal.parent), 0.0)


def first(space: NasBench201, count: int = 6) -> dict[str, Architecture]:
    rng = np.random.default_rng(1)
    return {f"known {number}": space.sample(rng) for number in range(count)}


def test_keeps_the_contract() -> None:
    check_strategy(Race)
    check_strategy(lambda space: Race(space, seconds=30, least=1 / 9))
    check_strategy(lambda space: Race(space, seconds=20, first=[space.sample(np.random.default_rng(3))]))


@pytest.mark.parametrize("slots", [1, 2, 3])
@pytest.mark.parametrize("seconds", [60, 100, 300])
def test_the_best_is_trained_to_its_end_in_time(slots: int, seconds: float) -> None:
    space = NasBench201()
    course = Course(Race(space, seconds, first(space)), slots)
    best = max(course.trials, key=lambda trial: trial.scores)
    assert best.share == 1
    assert course.now <= 1.02 * seconds
    assert course.now >= seconds - FULL
    assert course.stopped == "the time of the race is used up"


def test_the_well_known_ones_begin_and_keep_their_names() -> None:
    space = NasBench201()
    known = first(space)
    trials = Course(Race(space, 200, known), 2).trials
    begun = sorted((each for each in trials if each.share < 0.1), key=lambda trial: trial.number)[: len(known)]
    assert [each.architecture for each in begun] == list(known.values())
    for each in trials:
        name = (each.proposal.memo or {}).get("known")
        assert (name is None) == (each.architecture not in known.values())
        assert name is None or known[name] == each.architecture


def test_each_goes_on_from_where_it_stood() -> None:
    space = NasBench201()
    by_number = {each.number: each for each in Course(Race(space, 300, first(space)), 2).trials}
    went_on = [each for each in by_number.values() if each.proposal.parent is not None]
    assert went_on
    for each in went_on:
        before = by_number[each.proposal.parent]  # pyright: ignore[reportArgumentType]
        assert before.architecture == each.architecture
        assert before.share < each.share
        assert not any(
            other.architecture == each.architecture and before.share < other.share < each.share
            for other in by_number.values()
        )


def test_leaders_are_changed_in_one_decision() -> None:
    space = NasBench201()
    race = Race(space, 300, first(space), random=0.0)
    trials = Course(race).trials
    asked = [each.architecture for each in trials if each.share < 0.1]
    for place, each in enumerate(asked[6:], 6):
        changes = [
            sum(a != b for a, b in zip(space.indices(each), space.indices(other), strict=True))
            for other in asked[:place]
        ]
        assert 1 in changes


def test_one_that_fails_is_never_asked_again() -> None:
    space = NasBench201()
    trials = Course(Race(space, 200, first(space)), fails=("known 2",)).trials
    assert sum((each.proposal.memo or {}).get("known") == "known 2" for each in trials) == 1


def test_the_leader_is_brought_to_its_end_even_where_its_training_does_not_fit() -> None:
    """Its training ends by when the time is up with what it has; without it there would be nothing to hand over."""
    course = Course(Race(NasBench201(), 0.6 * FULL, first(NasBench201(), 2)))
    assert [each.share for each in course.trials].count(1.0) == 1
    assert course.trials[-1].share == 1


def test_nothing_is_begun_that_cannot_come_to_its_end() -> None:
    space = NasBench201()
    trials = Course(Race(space, 400, first(space))).trials
    clock = 0.0
    for each in trials:
        begun = clock
        clock += each.seconds
        assert begun + (1 - each.share) * FULL + each.seconds <= 1.05 * 400


def test_without_a_limit_a_small_space_is_trained_to_its_end() -> None:
    space = Layers(2)
    course = Course(Race(space))
    assert {each.architecture for each in course.trials if each.share == 1} == set(space.enumerate())


@pytest.mark.parametrize("slots", [1, 2])
@pytest.mark.parametrize("anew", [0.0, 1.25])
def test_where_parts_have_decays_the_leader_climbs_and_the_time_for_anew_is_left(slots: int, anew: float) -> None:
    space = NasBench201()
    race = Race(space, 200, first(space), full=FULL, overlap=0.3, anew=anew)
    course = Course(race, slots)
    leader = max(course.trials, key=lambda trial: trial.scores)
    left = 200 - course.now
    assert leader.share == 1
    assert anew * FULL - 4 <= left <= anew * FULL + FULL / 27 + 4


@pytest.mark.parametrize("seconds", [70, 100, 150])
def test_where_parts_have_decays_the_last_seconds_are_used_too(seconds: float) -> None:
    """A candidate need not come to its end for that, so that nothing is left over that a first judgement fits into."""
    space = NasBench201()
    course = Course(Race(space, seconds, first(space), full=FULL, overlap=0.3))
    assert seconds - FULL / 27 - 0.1 <= course.now <= 1.02 * seconds


def measured(number: int, score: float, loss: float, known: str = "") -> Trial:
    """A trial of another network each."""
    architecture = NasBench201().sample(np.random.default_rng(number))
    proposal = Proposal(architecture, fidelity=1.0, memo={"known": known} if known else None)
    return Trial(number, proposal, "completed", Measurement({"val_loss": loss}), (score,), seconds=1.0)


def test_of_those_that_chance_cannot_tell_apart_the_lowest_loss_leads() -> None:
    """Of 4,000 examples 0.9 of one rightly: chance explains 0.33 points."""
    trials = [measured(0, 0.9000, 0.40), measured(1, 0.8980, 0.25), measured(2, 0.8950, 0.20)]
    race = Race(NasBench201(), examples=4000)
    assert race.recommend(trials) == trials[1].architecture
    assert Race(NasBench201()).recommend(trials) == trials[0].architecture


def test_no_network_leads_that_is_behind_a_well_known_one() -> None:
    trials = [measured(0, 0.9000, 0.40), measured(1, 0.8980, 0.25), measured(2, 0.8990, 0.30, "known")]
    assert Race(NasBench201(), examples=4000).recommend(trials) == trials[2].architecture


def test_a_well_known_network_leads_until_another_is_better_by_more_than_chance() -> None:
    race = Race(NasBench201(), examples=4000)
    known = measured(0, 0.9000, 0.30, "known")
    assert race.recommend([known, measured(1, 0.9030, 0.20)]) == known.architecture
    better = measured(1, 0.9040, 0.35)
    assert race.recommend([known, better]) == better.architecture


class Turned(Course):
    """All trainings are best before their last part; or none of them."""

    turned = True

    def measurement(self, proposal: Proposal) -> Measurement:
        after = 0.2 if self.turned and proposal.parent is not None else 1.0
        return Measurement({"trained_seconds": after * proposal.share * FULL})


def test_a_training_whose_best_lies_behind_it_does_not_go_on() -> None:
    space = NasBench201()
    race = Race(space, 200, first(space), full=FULL, overlap=0.3)
    trials = Turned(race).trials
    assert max(each.share for each in trials) == pytest.approx(1 / 9)
    assert len(trials) > 1.3 * len(Course(Race(space, 200, first(space), full=FULL, overlap=0.3)).trials)


def test_what_leads_is_kept_though_another_scores_higher() -> None:
    race = Race(NasBench201(), 100, full=FULL, overlap=0.3, examples=1000, least=1 / 3)
    rng = np.random.default_rng(0)
    told = []
    for score, loss in ((0.900, 0.2), (0.905, 0.4)):
        proposal = race.ask(rng)
        assert proposal is not None
        told.append(Trial(len(told), proposal, "completed", Measurement({"val_loss": loss}), (score,), seconds=1.0))
    for each in told:
        race.tell(each)
    assert race.may_recommend(0) and race.may_recommend(1), "the second leads once others score still more"
    assert race.recommend(told) == told[0].architecture


def test_what_may_lead_later_is_kept() -> None:
    """Once the best has a score that the leader's is below by more than chance, the next of low loss leads."""
    space = NasBench201()
    # More of them than are told, so that nobody goes on yet.
    race = Race(space, 1000, list(first(space, 9).values()), full=FULL, overlap=0.3, examples=1000, least=1 / 3)
    rng = np.random.default_rng(0)
    told: list[Trial] = []

    def tell(score: float, loss: float) -> None:
        proposal = race.ask(rng)
        assert proposal is not None
        told.append(Trial(len(told), proposal, "completed", Measurement({"val_loss": loss}), (score,), seconds=1.0))
        race.tell(told[-1])

    for score, loss in ((0.900, 0.20), (0.903, 0.30), (0.905, 0.40), (0.902, 0.50)):
        tell(score, loss)
    assert race.recommend(told) == told[0].architecture
    assert [race.may_recommend(number) for number in range(4)] == [True, True, True, False]
    tell(0.9087, 0.60)
    assert race.recommend(told) == told[1].architecture


def test_is_made_again_from_its_configuration() -> None:
    space = NasBench201()
    race = Race(space, 100, first(space))
    assert list(race.configuration()["arguments"]["first"]) == list(first(space))
    again = Race(space, 100, race.configuration()["arguments"]["first"])
    assert again.first == race.first


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"seconds": -1}, "seconds"),
        ({"least": 0.9}, "least"),
        ({"eta": 1}, "eta"),
        ({"random": 2}, "random"),
        ({"first": ["nonsense"]}, "nonsense"),
        ({"overlap": 1.5}, "overlap"),
        ({"anew": -1}, "anew"),
        ({"examples": 0}, "examples"),
    ],
)
def test_wrong_options_are_refused(options: dict, said: str) -> None:
    with pytest.raises(UserError, match=said):
        Race(NasBench201(), **options)
