"""Random spaces from a recipe, and what they hold by plain recursion over the recipe: a reference for the core."""

from __future__ import annotations

from itertools import combinations, product

from hypothesis import strategies as st
from torch import nn

from netwright.core.decision_space import DecisionSpace
from netwright.core.decisions import Condition, Decision


class FromRecipe(DecisionSpace):
    """A recipe is a tuple of items: what is asked, one after the other.

    ("one", (recipe, ...)): one of several recipes. ("value", n): one of n numbers. ("repeat", least, most, recipe).
    ("edges", sources, keep, operations): all operations plain. ("shared", recipe): asked twice under the same names.
    """

    recipe: tuple = ()

    def network(self, choose, shape):
        return self._sequence(choose, self.recipe)

    def _sequence(self, choose, recipe):
        return nn.Sequential(*[self._item(choose, f"{item[0]}{k}", *item) for k, item in enumerate(recipe)])

    def _item(self, choose, name, kind, *rest):
        if kind == "one":
            options = {f"o{k}": lambda part=part: self._sequence(choose, part) for k, part in enumerate(rest[0])}
            return choose.one(name, options)
        if kind == "value":
            choose.value(name, list(range(rest[0])))
            return nn.Identity()
        if kind == "repeat":
            least, most, part = rest
            return choose.repeat(name, least, most, lambda _: self._sequence(choose, part))
        if kind == "edges":
            sources, keep, operations = rest
            make = {f"e{k}": lambda source: nn.Identity() for k in range(operations)}
            return choose.edges(name, range(sources), keep, make, soft=())
        assert kind == "shared"
        with choose.scope(name):
            first = self._sequence(choose, rest[0])
        with choose.scope(name):
            return nn.Sequential(first, self._sequence(choose, rest[0]))


def everything(recipe, prefix=""):
    """Every architecture of a recipe as a dictionary of labels, without a word from the core."""
    parts = [_item(f"{prefix}{item[0]}{k}", *item) for k, item in enumerate(recipe)]
    return [_merged(combination) for combination in product(*parts)]


def _item(name, kind, *rest):
    if kind == "one":
        return [
            {**_decision(name, f"o{k}", len(rest[0])), **inner}
            for k, part in enumerate(rest[0])
            for inner in everything(part, f"{name}/o{k}/")
        ]
    if kind == "value":
        return [_decision(name, k, rest[0]) for k in range(rest[0])]
    if kind == "repeat":
        least, most, part = rest
        return [
            {**_decision(name, count, most - least + 1), **_merged(inner)}
            for count in range(least, most + 1)
            for inner in product(*[everything(part, f"{name}/{i}/") for i in range(count)])
        ]
    if kind == "edges":
        sources, keep, operations = rest
        kept = list(combinations(range(sources), keep))
        return [
            {**_decision(f"{name}/sources", chosen, len(kept)), **_merged(inner)}
            for chosen in kept
            for inner in product(
                *[[_decision(f"{name}/{s}", f"e{k}", operations) for k in range(operations)] for s in chosen]
            )
        ]
    return everything(rest[0], f"{name}/")


def _decision(name, label, options):
    return {name: label} if options > 1 else {}


def _merged(dictionaries):
    return {name: label for each in dictionaries for name, label in each.items()}


def _items(parts):
    return st.one_of(
        st.tuples(st.just("one"), st.lists(parts, min_size=1, max_size=3).map(tuple)),
        st.tuples(st.just("value"), st.integers(1, 3)),
        st.tuples(st.integers(0, 1), st.integers(0, 1), parts).map(lambda t: ("repeat", t[0], t[0] + t[1], t[2])),
        st.tuples(st.integers(1, 3), st.integers(1, 2)).flatmap(
            lambda t: st.integers(1, t[0]).map(lambda keep: ("edges", t[0], keep, t[1]))
        ),
        st.tuples(st.just("shared"), parts),
    )


leaf = st.lists(st.tuples(st.just("value"), st.integers(1, 3)), max_size=2).map(tuple)
recipes = st.recursive(leaf, lambda parts: st.lists(_items(parts), max_size=2).map(tuple), max_leaves=5)


@st.composite
def decisions(draw, most=6):
    """Decisions with several conditions each, on any earlier ones: more than a recipe can say."""
    made = []
    for k in range(draw(st.integers(0, most))):
        conditions = []
        for parent in draw(st.lists(st.sampled_from(made), max_size=2)) if made else []:
            labels = draw(st.sets(st.sampled_from(parent.options), min_size=1))
            conditions.append(Condition(parent.name, frozenset(labels)))
        options = tuple(range(draw(st.integers(2, 3))))
        made.append(Decision(f"d{k}", options, "value", conditions=tuple(conditions)))
    return made


def all_points(made):
    """Every point by trying all combinations: active where any condition holds, -1 elsewhere."""
    found = []
    for point in product(*[range(-1, len(each.options)) for each in made]):
        labels = {each.name: option for each, option in zip(made, point, strict=True) if option >= 0}
        active = {
            each.name
            for each in made
            if not each.conditions or any(labels.get(c.parent) in c.labels for c in each.conditions)
        }
        if active == set(labels):
            found.append(point)
    return found
