"""A space is made again of what the store keeps, and nothing but what is shipped is imported for it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from netwright import Search
from netwright.catalogue import shipped
from netwright.catalogue.loading import load
from netwright.catalogue.stored import stored_space
from netwright.core.errors import ConfigurationError, UserError
from netwright.core.estimator import Estimator
from netwright.core.space import Space
from netwright.core.trial import Measurement, Proposal
from netwright.spaces import Among, Chain, Mlp, NasBench201, WithTraining
from netwright.strategies import RandomSearch


class Nothing(Estimator):
    metrics = ("val_accuracy",)

    def estimate(self, proposal: Proposal, seed: int) -> Measurement:
        return Measurement({"val_accuracy": 0.0})


def again(value: object) -> object:
    return json.loads(json.dumps(value))


def made(name: str) -> Space | None:
    try:
        return load("space", name)()
    except ConfigurationError:
        return None


@pytest.mark.parametrize("name", shipped("space"))
def test_every_shipped_space_is_made_again(name: str) -> None:
    space = made(name)
    if space is not None:  # the others need to be told something
        assert stored_space(again(space.configuration())) == space  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "space",
    [
        WithTraining(space=Mlp(), choices={"learning_rate": (0.1, 0.03)}),
        Among(space=NasBench201(), points=((0, 1, 2, 3, 4, 0), (1, 1, 1, 1, 1, 1))),
        Chain(width=8),
    ],
    ids=lambda each: type(each).__name__,
)
def test_the_space_of_a_search_is_found_in_its_configuration(space: Space) -> None:
    search = Search(RandomSearch(space), Nothing())  # type: ignore[arg-type]
    found = stored_space(again(search.configuration()), space.id)  # type: ignore[arg-type]
    assert found == space and found.id == space.id


def test_code_of_somebodys_own_is_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "theirs.py").write_text("raise SystemExit('ran')")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(UserError, match="theirs:Wide is code of somebody's own"):
        stored_space({"class": "theirs:Wide", "arguments": {}})
    for name in ("netwright.cli.main:main", "netwright.spaces.chain:TaskShape", "netwright.spaces.chain:nothing"):
        with pytest.raises(UserError, match="cannot be made again"):
            stored_space({"class": name, "arguments": {}})
    assert "theirs" not in sys.modules


def test_a_space_that_is_another_today_is_refused() -> None:
    with pytest.raises(UserError, match=r"chain-v1-[0-9a-f]+ is not chain-v1-00000000"):
        stored_space(again(Chain().configuration()), "chain-v1-00000000")  # type: ignore[arg-type]
