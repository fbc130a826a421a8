"""Whole networks as pictures: modules as boxes, as far opened up as a page has room for."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from netwright.core.wording import amount
from netwright.drawings.drawing import Drawing
from netwright.drawings.kinds import kind_of
from netwright.drawings.panels import described
from netwright.drawings.picture import Box, Line, Panel, Picture

if TYPE_CHECKING:
    from torch import nn

    from netwright.drawings.steps import Step, Steps
    from netwright.networks.counting import Count

MOST = 48  # boxes of a whole network, unless even its outermost parts are more
SUMS = frozenset(("add", "iadd", "radd", "sum", "mul", "rmul", "imul", "sub"))
NORMS = ("norm", "relu", "elu", "swish", "silu", "sigmoid", "tanh", "dropout", "flatten", "softmax", "clamp")


def draw_network(
    module: nn.Module,
    shape: Sequence[int],
    *,
    title: str = "network",
    most: int = MOST,
    latencies: Mapping[str, float] | None = None,
    small: bool = False,
) -> Drawing:
    """A network with what each part gives and costs.

    module: any that can be followed on PyTorch's meta device; it stays as it is.
    shape: of one example, such as (channels, height, width), or (length,) of tokens.
    title: one line.
    most: boxes; parts are opened up, the largest first, as long as there are no more.
    latencies: milliseconds, by the name of the module that takes them.
    small: a thumbnail without text.

    A forward pass that looks at values cannot be followed and raises what PyTorch raises for it.
    """
    from netwright.drawings.steps import steps_of
    from netwright.networks.counting import Count, count_layers

    followed, counts = steps_of(module, shape), count_layers(module, shape)
    opened = _opened(module, followed, most)
    panel = _Parts(module, followed, counts, opened, latencies or {}).panel(tuple(shape))
    whole = sum(counts.values(), Count())
    note = f"{whole.params:,} parameters, {amount(whole.macs)} multiply-adds for one example of {_size(shape)}"
    notes = (note, *_latency_note(latencies))
    return Drawing(Picture(title, f"{note}: {described([panel])}", (panel,), notes), small)


def _latency_note(latencies: Mapping[str, float] | None) -> tuple[str, ...]:
    return (f"{sum(latencies.values()):.3g} ms for all parts, each timed by itself",) if latencies else ()


def _size(shape: Sequence[int]) -> str:
    return "×".join(map(str, shape)) or "1"


# How far it is opened up.


def _opened(module: nn.Module, followed: Steps, most: int) -> frozenset[str]:
    """The names of the modules that are drawn by their parts."""
    parts = dict(module.named_modules())
    opened = {""}
    shut = set[str]()
    while True:
        boxes = Counter(_box_name(number, step, opened) for number, step in enumerate(followed.steps))
        wanted = [name for name in boxes if name in parts and name not in shut and _opens(name, parts[name], followed)]
        if not wanted:
            return frozenset(opened)
        largest = max(wanted, key=lambda name: boxes[name])
        alike = {name for name in wanted if type(parts[name]) is type(parts[largest])}
        alike = {name for name in alike if name.count(".") == largest.count(".")}
        trial = opened | {inner for name in alike for inner in _with_lists(name, parts)}
        if len({_box_name(number, step, trial) for number, step in enumerate(followed.steps)}) <= most:
            opened = trial
        else:
            shut |= alike


def _opens(name: str, part: nn.Module, followed: Steps) -> bool:
    """Whether a part is worth more than one box: neither known by its name, nor gone through several times."""
    from netwright.drawings.layers_named import is_known

    if next(part.children(), None) is None or is_known(part):
        return False
    layers = [step.owner for step in followed.steps if not step.function and step.owner.startswith(f"{name}.")]
    weighted = [
        each for each in layers if next(part.get_submodule(each[len(name) + 1 :]).parameters(), None) is not None
    ]
    return len(set(weighted)) == len(weighted)


def _with_lists(name: str, parts: Mapping[str, nn.Module]) -> list[str]:
    """A module, and the lists in it, which have no `forward` of their own."""
    inner = [each for each, part in parts.items() if each.startswith(f"{name}.") and type(part).__name__ in _LISTS]
    return [name, *(each for each in inner if each.count(".") == name.count(".") + 1)]


_LISTS = ("ModuleList", "ModuleDict")


def _box_name(number: int, step: Step, opened: set[str] | frozenset[str]) -> str:
    """The box that a step belongs to: its outermost module that is not opened, or itself."""
    words = step.owner.split(".") if step.owner else []
    for count in range(1, len(words) + 1):
        name = ".".join(words[:count])
        if name not in opened:
            return name
    return f"{step.owner} {step.function} {number}".strip()


# The boxes.


@dataclass(frozen=True)
class _Parts:
    """What the panel is made of."""

    module: nn.Module
    followed: Steps
    counts: Mapping[str, Count]
    opened: frozenset[str]
    latencies: Mapping[str, float]

    def panel(self, shape: tuple[int, ...]) -> Panel:
        steps = self.followed.steps
        of_step = [_box_name(number, step, self.opened) for number, step in enumerate(steps)]
        places = {name: k for k, name in enumerate(dict.fromkeys(of_step))}
        lines: dict[Line, None] = {}
        for number, step in enumerate(steps):
            for read in step.reads:
                source = "input" if read < 0 else of_step[read]
                if source == "input" or places[source] < places[of_step[number]]:
                    lines[Line(source, of_step[number])] = None
        outer = {name: [step for step, box in zip(steps, of_step, strict=True) if box == name] for name in places}
        boxes = [self.box(name, inner) for name, inner in outer.items()]
        for number in self.followed.last:
            lines[Line("input" if number < 0 else of_step[number], "output")] = None
        first = Box("input", "input", (_size(shape),), "input", side=_side(shape))
        last = Box("output", "output", kind="input")
        return merged(Panel("", (first, *boxes, last), tuple(lines)))

    def box(self, name: str, steps: Sequence[Step]) -> Box:
        from netwright.drawings.layers_named import is_known, name_of
        from netwright.networks.counting import Count

        parts = dict(self.module.named_modules())
        if name not in parts:
            return _function_box(name, steps[-1])
        title = name_of(parts[name]) or _place(name)
        inside = [count for each, count in self.counts.items() if each == name or each.startswith(f"{name}.")]
        cost = sum(inside, Count())
        spent = sum(ms for each, ms in self.latencies.items() if each == name or each.startswith(f"{name}."))
        whole, kind = type(parts[name]).__name__, kind_of(title)
        if not is_known(parts[name]) or (kind == "other" and next(parts[name].children(), None) is not None):
            title, kind = f"{title}{self.halved(steps)}", "block"
        facts = [("module", name), ("class", whole), ("gives", _size(steps[-1].shape))]
        facts += [("parameters", f"{cost.params:,}"), ("multiply-adds", f"{cost.macs:,}")]
        facts += [("activations", f"{cost.activation_memory:,} bytes")]
        facts += [("latency", f"{spent:.3g} ms")] if self.latencies else []
        details = _details(steps[-1].shape, cost, spent)
        return Box(name, title, details, kind, tuple(facts), side=_side(steps[-1].shape))

    def halved(self, steps: Sequence[Step]) -> str:
        """Says by how much a part divides height and width, if it does: " /2"."""
        read = [self.followed.steps[each].shape for each in steps[0].reads if each >= 0]
        sides = [shape[-1] for shape in read if len(shape) > 2]
        after = steps[-1].shape
        return f" /{round(sides[0] / after[-1])}" if sides and len(after) > 2 and sides[0] >= 2 * after[-1] else ""


def _details(shape: Sequence[int], cost: Count, spent: float) -> tuple[str, ...]:
    costs = [f"{amount(cost.params)} params"] if cost.params else []
    costs += [f"{amount(cost.macs)} macs"] if cost.macs else []
    first = f"{_size(shape)} · {spent:.2g} ms" if spent else _size(shape)
    return (first, *([" · ".join(costs)] if costs else []))


def _place(name: str) -> str:
    """Where a module stands, in words: "blocks.3" gives "blocks 3"."""
    words = [word for word in name.split(".") if word]
    tail = words[-2:] if words[-1].isdigit() and len(words) > 1 else words[-1:]
    return " ".join(tail).replace("_", " ") if not name.isdigit() else f"part {name}"


def _function_box(name: str, step: Step) -> Box:
    facts = (("function", step.function), ("gives", _size(step.shape)))
    if step.function in SUMS:
        sign = "×" if "mul" in step.function else "−" if step.function == "sub" else "+"
        return Box(name, sign, kind="state", facts=facts, side=_side(step.shape))
    title = re.sub(r"(?<=[a-z])[123]d$", "", step.function).replace("_", " ")
    title = {"cat": "concat", "concatenate": "concat"}.get(title, title)
    return Box(name, title, (_size(step.shape),), kind_of(title), facts, side=_side(step.shape))


def _side(shape: Sequence[int]) -> int:
    """The length of the last axis of an image or a series; 0 of what has none."""
    return shape[-1] if len(shape) > 1 else 0


# Fewer boxes.


def merged(panel: Panel) -> Panel:
    """The panel with norms and activations in the box before them, where nothing else reads that."""
    boxes = {box.name: box for box in panel.boxes}
    lines = list(panel.lines)
    for name in list(boxes):
        before = [line.source for line in lines if line.target == name]
        if len(before) != 1 or not _goes_with(boxes[name]) or boxes[before[0]].kind in ("input", "state"):
            continue
        if sum(line.source == before[0] for line in lines) != 1:
            continue
        boxes[before[0]] = _together(boxes[before[0]], boxes.pop(name))
        kept = [line for line in lines if line.target != name]
        lines = [Line(before[0], line.target) if line.source == name else line for line in kept]
    return Panel(panel.title, tuple(boxes.values()), tuple(lines))


def _goes_with(box: Box) -> bool:
    """Whether it only scales or bends what it gets."""
    return box.kind != "block" and any(sign in box.title for sign in NORMS)


def _together(first: Box, then: Box) -> Box:
    facts = (*first.facts, ("then", then.title))
    return replace(first, facts=facts)
