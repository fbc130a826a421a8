"""What the published spaces of mobile networks leave open, as tables: stages, their channels, and the options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

from netwright.networks.mobile_blocks import divisible

Kind = Literal["layers", "sizes", "blocks", "atoms"]


@dataclass(frozen=True, slots=True)
class Stage:
    """Layers in a row at one resolution.

    channels: that it may give; one of them where nothing is to be decided.
    most: layers.
    stride: of the first.
    least: layers; as many as `most` unless the depth is to be decided.
    kernels, expansions: that each of its layers may have; none for those of the form.
    squeeze: whether channels are weighed; None to decide.
    activation: "relu", "relu6", "hswish" or "swish"; None to decide between "relu" and "hswish".
    """

    channels: tuple[int, ...]
    most: int
    stride: int
    least: int = 0
    kernels: tuple[int, ...] = ()
    expansions: tuple[float, ...] = ()
    squeeze: bool | None = False
    activation: str | None = "relu"


@dataclass(frozen=True, slots=True)
class Form:
    """A published space of mobile networks.

    kind: what is decided: the operation of each "layers", the "sizes" of all, once for each of the "blocks", or in each
        layer how many "atoms" have which kernel.
    stem: channels of the first convolution, which has stride 2.
    first: channels of a layer that is not widened, with which the network begins; 0 for none.
    stages: in their order.
    last: channels of the pointwise convolution before the mean over all pixels.
    hidden: features between two linear layers at the end; 0 for one layer.
    activation: of the stem.
    begins: activation of the first layer.
    end: activation of what stands behind the stages.
    kernels, expansions, resolutions, multipliers: that are chosen from. Of atoms the multipliers are shares of the most
        that a kernel may have, none for all whole numbers.
    operations: that are chosen from, where the operation of each layer is: "k3_e6" for kernel and expansion, behind it
        "g2" for groups, "se" where channels are weighed, "split" where half of them go by, "add" for a shortcut.
    skips: whether a layer that keeps its input's shape may be left out, where the operation of each is decided.
    plain: whether layers are depthwise and pointwise convolutions, with an activation behind each, as in MobileNetV1.
    gate: of the weighing of channels, "hard" or "sigmoid".
    dropout: before the last layer.
    source: where the numbers stand.
    """

    kind: Kind
    stem: int
    first: int
    stages: tuple[Stage, ...]
    last: int
    hidden: int = 0
    activation: str = "relu"
    begins: str = "relu"
    end: str = "relu"
    kernels: tuple[int, ...] = (3, 5, 7)
    expansions: tuple[float, ...] = (3, 6)
    resolutions: tuple[float, ...] = (1.0,)
    multipliers: tuple[float, ...] = (1.0,)
    operations: tuple[str, ...] = ()
    skips: bool = True
    plain: bool = False
    gate: str = "hard"
    dropout: float = 0.0
    source: str = ""


def _plain(
    channels: Sequence[int], most: Sequence[int], strides: Sequence[int], activation: str = "relu"
) -> tuple[Stage, ...]:
    return tuple(Stage((c,), n, s, n, activation=activation) for c, n, s in zip(channels, most, strides, strict=True))


def _v3(
    rows: Sequence[tuple[int, int, int, int, bool, str]], least: int, expansions: Sequence[tuple[float, ...]] = ()
) -> tuple[Stage, ...]:
    """Stages of MobileNetV3: channels, layers, stride, kernel (0 to decide), squeeze and activation of each."""
    return tuple(
        Stage((c,), n, s, min(least, n), (k,) if k else (), tuple(expansions[i]) if expansions else (), squeeze, act)
        for i, (c, n, s, k, squeeze, act) in enumerate(rows)
    )


def _shares(channels: int, multipliers: Sequence[float]) -> tuple[int, ...]:
    """The numbers of channels that these multipliers give, in ascending order."""
    return tuple(sorted({divisible(channels * each) for each in multipliers}))


def _of_one(channels: Sequence[int], strides: Sequence[int]) -> tuple[Stage, ...]:
    """Stages of one layer, of 0.2 to 1.5 times these channels in multiples of 8, as the authors of AOWS round."""
    widths = [tuple(sorted({8 * max(1, round(c * each / 80)) for each in range(2, 16)})) for c in channels]
    return tuple(Stage(each, 1, s, 1, (3,), (1,)) for each, s in zip(widths, strides, strict=True))


def _range(least: float, most: float, step: float) -> tuple[float, ...]:
    return tuple(round(least + i * step, 4) for i in range(round((most - least) / step) + 1))


def _masked(
    rows: Sequence[tuple[tuple[int, int, int], tuple[float, float, float], int, int]],
) -> tuple[Stage, ...]:
    """Stages of FBNetV2: ranges (least, most, step) of channels and expansions, layers, stride."""
    return tuple(Stage(tuple(range(c[0], c[1] + 1, c[2])), n, s, n, (), _range(*e), None, None) for c, e, n, s in rows)


V3_LARGE = (
    (24, 4, 2, 0, False, "relu"),
    (40, 4, 2, 0, True, "relu"),
    (80, 4, 2, 0, False, "hswish"),
    (112, 4, 1, 0, True, "hswish"),
    (160, 4, 2, 0, True, "hswish"),
)
MBCONV = tuple(f"k{kernel}_e{expansion}" for kernel in (3, 5, 7) for expansion in (3, 6))
WEIGHED = tuple(f"k{kernel}_e{expansion}_se" for expansion in (6, 3) for kernel in (3, 5, 7))
SPLIT = tuple(f"k3_e{e}{split}{add}" for e in (4, 6, 8) for split in ("", "_split") for add in ("", "_add"))
FBNET = tuple(f"k{kernel}_e{e}" for kernel in (3, 5) for e in ("1", "1_g2", "3", "6"))
SMALL, MEDIUM, LARGE = (0.75, 3.25, 0.5), (0.75, 3.75, 0.5), (0.75, 4.5, 0.75)

ATOMNAS = Form(
    "atoms",
    32,
    16,
    _plain((24, 40, 80, 96, 192, 320), (4, 4, 4, 4, 4, 1), (2, 2, 2, 1, 2, 1)),
    1280,
    expansions=(6,),
    multipliers=(),
    dropout=0.2,
    source="Mei et al. 2020 and the authors' code",
)

FORMS: Mapping[str, Form] = MappingProxyType(
    {
        "once-for-all": Form(
            "sizes",
            16,
            16,
            _v3(V3_LARGE, least=2),
            960,
            hidden=1280,
            activation="hswish",
            end="hswish",
            expansions=(3, 4, 6),
            resolutions=(0.5, 0.625, 0.75, 0.875, 1.0),
            source="Cai et al. 2020, section 3.2 (sizes of MobileNetV3-Large, depths 2 to 4)",
        ),
        "mobilenetv3": Form(
            "sizes",
            16,
            16,
            _v3(V3_LARGE, least=1),
            960,
            hidden=1280,
            activation="hswish",
            end="hswish",
            kernels=(3, 5, 7),
            expansions=(2.3, 2.5, 3, 4, 6),
            dropout=0.2,
            source="Howard et al. 2019, table 1",
        ),
        "mobilenetv3-small": Form(
            "sizes",
            16,
            0,
            _v3(
                [
                    (16, 1, 2, 3, True, "relu"),
                    (24, 3, 2, 0, False, "relu"),
                    (40, 4, 2, 0, True, "hswish"),
                    (48, 4, 1, 0, True, "hswish"),
                    (96, 4, 2, 0, True, "hswish"),
                ],
                least=1,
                expansions=[(1,), (), (), (), ()],
            ),
            576,
            hidden=1024,
            activation="hswish",
            end="hswish",
            kernels=(3, 5, 7),
            expansions=(3, 3.67, 4, 4.5, 6),
            dropout=0.2,
            source="Howard et al. 2019, table 2",
        ),
        "fbnetv2": Form(
            "sizes",
            16,
            0,
            _masked(
                [
                    ((12, 16, 4), (1, 1, 1), 1, 1),
                    ((16, 28, 4), SMALL, 3, 2),
                    ((16, 40, 8), SMALL, 3, 2),
                    ((48, 96, 8), MEDIUM, 3, 2),
                    ((72, 128, 8), LARGE, 4, 1),
                    ((112, 216, 8), LARGE, 4, 2),
                ]
            ),
            1984,
            activation="hswish",
            end="hswish",
            kernels=(3, 5),
            resolutions=(0.5, 0.625, 0.75, 0.875, 1.0),
            dropout=0.2,
            source="Wan et al. 2020, table 1, with one number of channels a stage",
        ),
        "mcu": Form(
            "sizes",
            16,
            8,
            tuple(
                Stage(_shares(c, (0.5, 0.75, 1.0)), n, s, 1, activation="relu6")
                for c, n, s in ((16, 3, 2), (24, 3, 2), (40, 3, 2), (48, 3, 1), (96, 3, 2), (160, 1, 1))
            ),
            0,
            activation="relu6",
            begins="relu6",
            end="relu6",
            expansions=(2, 3, 4, 6),
            resolutions=(0.5, 0.625, 0.75, 0.875, 1.0),
            source="ours, after Lin et al. 2020: no weighing of channels, no wide last convolution",
        ),
        "proxylessnas": Form(
            "layers",
            32,
            16,
            _plain((24, 40, 80, 96, 192, 320), (4, 4, 4, 4, 4, 1), (2, 2, 2, 1, 2, 1), "relu6"),
            1280,
            activation="relu6",
            begins="relu6",
            end="relu6",
            operations=MBCONV,
            source="Cai et al. 2019 and the authors' code",
        ),
        "fbnet": Form(
            "layers",
            16,
            0,
            _plain((16, 24, 32, 64, 112, 184, 352), (1, 4, 4, 4, 4, 4, 1), (1, 2, 2, 2, 1, 2, 1)),
            1984,
            operations=FBNET,
            dropout=0.2,
            source="Wu et al. 2019, tables 1 and 2",
        ),
        "shufflenet": Form(
            "layers",
            16,
            0,
            _plain((64, 160, 320, 640), (4, 4, 8, 4), (2, 2, 2, 2)),
            1024,
            operations=("k3", "k5", "k7", "xception"),
            skips=False,
            dropout=0.1,
            source="Guo et al. 2020 and the authors' code",
        ),
        "dna": Form(
            "layers",
            32,
            16,
            _plain((24, 40, 80, 112, 192, 320), (2, 4, 4, 4, 4, 1), (2, 2, 2, 1, 2, 1), "swish"),
            1280,
            activation="swish",
            begins="swish",
            end="swish",
            operations=WEIGHED,
            gate="sigmoid",
            dropout=0.2,
            source="Li et al. 2020 and the authors' code; layers may be left out",
        ),
        "mobilenetv1": Form(
            "sizes",
            32,
            0,
            _of_one((64, 128, 128, 256, 256, *(512,) * 6, 1024, 1024), (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)),
            0,
            plain=True,
            source="Berman et al. 2020 and the authors' code, with a stem of 32 channels (Howard et al. 2017)",
        ),
        "fpnas": Form(
            "layers",
            34,
            24,
            _plain((24, 40, 80, 112, 192, 320), (2, 3, 4, 3, 3, 1), (2, 2, 2, 1, 2, 1)),
            1280,
            operations=SPLIT,
            skips=False,
            dropout=0.2,
            source="Cui et al. 2019: what the published network has",
        ),
        "mnasnet": Form(
            "blocks",
            32,
            0,
            _plain((16, 24, 32, 64, 96, 160, 320), (1, 2, 3, 4, 3, 3, 1), (1, 2, 2, 2, 1, 2, 1)),
            1280,
            kernels=(3, 5),
            multipliers=(0.75, 1.0, 1.25),
            operations=("conv", "sepconv", "mbconv3", "mbconv6"),
            gate="sigmoid",
            dropout=0.2,
            source="Tan et al. 2019, section 4.1: filters and layers relative to MobileNetV2",
        ),
        "atomnas": ATOMNAS,
        "atomnas-small": replace(ATOMNAS, stem=16, source="the same with the stem of AtomNAS-A"),
    }
)
