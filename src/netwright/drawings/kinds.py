"""Kinds of operation, told by their names, and the colour of each (Okabe and Ito 2008: colour-blind people tell them
apart).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

LONG = 28  # letters of settings in one line
KINDS: Mapping[str, str] = MappingProxyType(
    {  # in the order of the legend, with what the legend says
        "input": "input or output",
        "convolution": "convolution",
        "separable": "separable or inverted",
        "dilated": "dilated",
        "pooling": "pooling",
        "linear": "linear",
        "sequence": "attention or recurrent",
        "activation": "activation",
        "skip": "passed on as it is",
        "none": "nothing",
        "state": "sum or state",
        "joined": "put side by side",
        "block": "block of several",
        "other": "other",
    }
)
_SIGNS: tuple[tuple[str, str], ...] = (  # the first that is found in the name says the kind
    (r"^(none|zero|zeroize)\b", "none"),
    (r"^(input|output|in|out)\b", "input"),
    (r"concat|^cat$|side by side", "joined"),
    (r"^(add|sum|mean|plus)\b", "state"),
    (r"skip|identity|nothing|^id$", "skip"),
    (r"attention|lstm|gru\b|rnn|recurren|transformer|embedding|mixer", "sequence"),
    (r"pool|^p\(|upsampl|downsampl|interpolat|unpool", "pooling"),
    (r"dil", "dilated"),
    (r"sep|dep_|depth|mbconv|^mb\d|^k\d|inverted|shuffle|^ir_|mobile|ghost|group", "separable"),
    (r"conv|^c\(|stem|^resnet|inception|residual|^plain|^e\d_k\d|cweight", "convolution"),
    (r"linear|^dense|^fc|mlp|gemm|classifier|^d\(|softmax|^sm\(|head", "linear"),
    (r"relu|tanh|sigmoid|swish|silu|gelu|elu|norm|dropout|activation", "activation"),
)
_PLAIN = ((r"nor_conv", "conv"), (r"skip_connect", "skip"), (r"(?<=[a-z])(?=\d+x\d)", " "), (r"(\d)x(?=\d)", "\\1×"))
_STROKES = {
    "input": "#55606e",
    "convolution": "#0072b2",
    "separable": "#56b4e9",
    "dilated": "#009e73",
    "pooling": "#e69f00",
    "linear": "#cc79a7",
    "sequence": "#d55e00",
    "activation": "#c9b800",
    "skip": "#8a93a0",
    "none": "#b4bac4",
    "state": "#55606e",
    "joined": "#55606e",
    "block": "#7a6fc0",
    "other": "#8a93a0",
}
_FILLS = {
    "input": ("#e7eaee", "#39424f"),
    "convolution": ("#cfe4f3", "#0d3f5f"),
    "separable": ("#e3f2fc", "#235a78"),
    "dilated": ("#cdeee3", "#0b4b39"),
    "pooling": ("#fbe8c4", "#5c4208"),
    "linear": ("#f6e1ec", "#5e3049"),
    "sequence": ("#fadcc8", "#6b3206"),
    "activation": ("#fbf7c6", "#55500d"),
    "skip": ("#f4f5f7", "#2b323c"),
    "none": ("#ffffff", "#1d232b"),
    "state": ("#ffffff", "#39424f"),
    "joined": ("#eceef1", "#39424f"),
    "block": ("#e6e3f6", "#3a3470"),
    "other": ("#eef0f2", "#333b46"),
}
DASHED = frozenset(("skip", "none"))  # whose border is dashed, so that they are seen without colours


def kind_of(operation: str) -> str:
    """The kind of an operation of this name, such as "sep_conv_3x3"; "other" where the name says nothing."""
    name = operation.lower().strip()
    return next((kind for sign, kind in _SIGNS if re.search(sign, name)), "other") if name else "state"


def readable(operation: str) -> tuple[str, tuple[str, ...]]:
    """What stands in the box of an operation, and below it: "conv(kernel=5)" gives "conv" and "kernel 5"."""
    name, _, inner = operation.partition("(")
    if not name.strip() or (inner and "=" not in inner):
        name, inner = operation, ""
    name, *rest = re.split(r"-(?=bn|relu)", name)
    for sign, text in _PLAIN:
        name = re.sub(sign, text, name)
    details = [each.strip().replace("=", " ") for each in inner.rstrip(")").split(",") if each.strip()]
    together = ", ".join(details)
    lines = details if len(together) > LONG else [together] if together else []
    return name.replace("_", " ").strip(), (*(["-".join(rest)] if rest else []), *lines)


def colours(kind: str, *, dark: bool) -> tuple[str, str]:
    """The colours of a box's inside and of its border."""
    return _FILLS[kind][dark], _STROKES[kind]
