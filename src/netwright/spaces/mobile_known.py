"""Mobile networks that were published, as architectures of `Mobile`, with the parameters of their programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

from netwright.core.decisions import Label
from netwright.core.errors import ConfigurationError, nearest

PROVIDES = ("space.mobile_blocks",)


@dataclass(frozen=True, slots=True)
class KnownMobile:
    """A network that was published.

    name: by which it is known.
    settings: of the `Mobile` whose architecture it is.
    answers: the decisions of that architecture.
    whose: authors and year.
    params: parameters for images of 3 channels and 1,000 classes.
    source: what has this number.
    """

    name: str
    settings: Mapping[str, Any]
    answers: Mapping[str, Label]
    whose: str
    params: int
    source: str


def _rows(text: str) -> dict[str, Label]:
    """The operation of each layer, from a row of text a stage: "3,6" for kernel and expansion, "-" for none."""
    found: dict[str, Label] = {}
    for stage, row in enumerate(text.strip().splitlines(), start=1):
        for place, short in enumerate(row.split(), start=1):
            kernel, _, expansion = short.partition(",")
            label = "skip" if short == "-" else f"k{kernel}_e{expansion.replace('g', '_g')}"
            found[f"stage{stage}/layer{place}"] = label
    return found


def _sizes(text: str) -> dict[str, Label]:
    """Depth, kernels and expansions, from a row of text a stage: the kernel, then the expansion of each layer."""
    found: dict[str, Label] = {}
    for stage, row in enumerate(text.strip().splitlines(), start=1):
        kernel, *expansions = row.split()
        if kernel == "-":
            continue
        found[f"stage{stage}/depth"] = len(expansions)
        for place, expansion in enumerate(expansions):
            found[f"stage{stage}/depth/{place}/kernel"] = int(kernel)
            number = float(expansion)
            found[f"stage{stage}/depth/{place}/expansion"] = int(number) if number.is_integer() else number
    return found


def _blocks(text: str) -> dict[str, Label]:
    """Operation, kernel, weighing and layers more or less of each block, from a row of text each."""
    found: dict[str, Label] = {}
    for block, row in enumerate(text.strip().splitlines(), start=1):
        operation, kernel, squeeze, layers = row.split()
        answers = {"operation": operation, "kernel": int(kernel), "squeeze": float(squeeze), "skip": "identity"}
        answers |= {"filters": 1.0, "layers": int(layers)}
        found |= {f"block{block}/{name}": each for name, each in answers.items()}
    return found


def _atoms(text: str) -> dict[str, Label]:
    """Channels with kernels of 3, 5 and 7 pixels in each layer, from a row of text a stage."""
    found: dict[str, Label] = {}
    for stage, row in enumerate(text.strip().splitlines(), start=1):
        for place, short in enumerate(row.split(), start=1):
            for kernel, width in zip((3, 5, 7), short.split(","), strict=True):
                found[f"stage{stage}/layer{place}/channels{kernel}"] = int(width)
    return found


V2 = """
3,6 3,6 - -
3,6 3,6 3,6 -
3,6 3,6 3,6 3,6
3,6 3,6 3,6 -
3,6 3,6 3,6 -
3,6
"""
FPNASNET = """
3,4_split_add 3,6_add
3,8 3,6_split_add 3,8_add
3,6_add 3,8_split 3,8_add 3,8_split_add
3,6_split 3,6_add 3,6
3,4_split_add 3,8_split 3,4
3,6
"""
PROXYLESS_MOBILE = """
5,3 3,3 - -
7,3 3,3 5,3 5,3
7,6 5,3 5,3 5,3
5,6 5,3 5,3 5,3
7,6 7,6 7,3 7,3
7,6
"""
V3_LARGE = """
3 4 3
5 3 3 3
3 6 2.5 2.3 2.3
3 6 6
5 6 6 6
"""
V3_SMALL = """
-
3 4.5 3.67
5 4 6 6
5 3 3
5 6 6 6
"""
MNASNET_A1 = """
sepconv 3 0 0
mbconv6 3 0 0
mbconv3 5 0.25 0
mbconv6 3 0 0
mbconv6 3 0.25 -1
mbconv6 5 0.25 0
mbconv6 3 0 0
"""
MNASNET_B1 = """
sepconv 3 0 0
mbconv3 3 0 1
mbconv3 5 0 0
mbconv6 5 0 -1
mbconv6 3 0 -1
mbconv6 5 0 1
mbconv6 3 0 0
"""
FBNET_A = """
-
3,3 3,1 - -
5,6 3,3 5,1 3,3
5,6 5,3 5,1g2 5,6
3,6 5,1g2 5,3 3,1g2
5,6 5,6 5,3 5,6
5,6
"""
FBNET_B = """
3,1
3,6 5,1 3,1 3,1
5,6 5,3 3,6 5,6
5,6 5,1 - 5,3
5,6 3,1 5,1 5,3
5,6 5,1 5,6 5,6
3,6
"""
FBNET_C = """
3,1
3,6 - 3,1 3,1
5,6 5,3 5,6 3,6
5,6 5,3 5,6 5,6
5,6 5,6 5,6 5,3
5,6 5,6 5,6 5,6
3,6
"""
ATOMNAS_A = """
16,12,9 19,2,1 9,7,1 14,1,0
46,49,50 27,19,14 22,11,3 30,14,3
127,130,111 33,25,45 38,12,34 53,23,19
344,196,168 44,18,27 37,29,18 52,21,24
381,364,342 123,76,162 179,107,212 238,111,171
654,495,546
"""
ATOMNAS_B = """
7,15,17 16,4,0 17,7,1 22,4,1
58,66,67 39,24,17 22,13,3 38,16,3
166,148,151 31,43,65 41,15,28 77,21,43
378,256,204 54,31,32 54,26,26 73,42,26
442,433,430 154,112,263 234,142,282 295,190,202
766,631,671
"""
ATOMNAS_C = """
15,23,13 20,3,2 21,8,1 21,4,0
64,65,70 40,23,28 36,21,9 40,22,7
169,170,157 45,55,74 58,21,37 77,18,39
393,263,247 57,40,36 61,34,26 87,38,33
454,468,468 188,137,306 253,187,314 345,202,233
823,738,749
"""
A1_CHANNELS, B1_CHANNELS = (16, 24, 40, 80, 112, 160, 320), (16, 24, 40, 80, 96, 192, 320)
KNOWN: Sequence[KnownMobile] = (
    KnownMobile(
        "mobilenet_v2",
        {"form": "proxylessnas", "channels": (24, 32, 64, 96, 160, 320)},
        _rows(V2),
        "Sandler et al. 2018",
        3_504_872,
        "torchvision's mobilenet_v2",
    ),
    KnownMobile(
        "mobilenet_v3_large",
        {"form": "mobilenetv3"},
        _sizes(V3_LARGE),
        "Howard et al. 2019",
        5_483_032,
        "torchvision's mobilenet_v3_large",
    ),
    KnownMobile(
        "mobilenet_v3_small",
        {"form": "mobilenetv3-small"},
        _sizes(V3_SMALL),
        "Howard et al. 2019",
        2_542_856,
        "torchvision's mobilenet_v3_small",
    ),
    KnownMobile(
        "mobilenet_v1",
        {"form": "mobilenetv1"},
        {f"stage{i}/width": w for i, w in enumerate((64, 128, 128, 256, 256, *(512,) * 6, 1024, 1024), start=1)},
        "Howard et al. 2017",
        4_231_976,
        "pytorchcv's mobilenet_w1",
    ),
    KnownMobile(
        "fpnasnet",
        {"form": "fpnas"},
        _rows(FPNASNET),
        "Cui et al. 2019",
        3_439_004,
        "FPNAS/FPNASNet, the authors' program",
    ),
    KnownMobile(
        "proxylessnas_mobile",
        {"form": "proxylessnas", "channels": (32, 40, 80, 96, 192, 320)},
        _rows(PROXYLESS_MOBILE),
        "Cai et al. 2019",
        4_080_512,
        "pytorchcv's proxylessnas_mobile, after the authors' configuration",
    ),
    KnownMobile(
        "mnasnet_a1",
        {"form": "mnasnet", "channels": A1_CHANNELS},
        _blocks(MNASNET_A1),
        "Tan et al. 2019",
        3_887_038,
        "timm's semnasnet_100 and pytorchcv's mnasnet_a1",
    ),
    KnownMobile(
        "mnasnet_b1",
        {"form": "mnasnet", "channels": B1_CHANNELS},
        _blocks(MNASNET_B1),
        "Tan et al. 2019",
        4_383_312,
        "torchvision's mnasnet1_0",
    ),
    KnownMobile(
        "fbnet_a",
        {"form": "fbnet", "last": 1504},
        _rows(FBNET_A),
        "Wu et al. 2019",
        4_321_464,
        "facebookresearch/mobile-vision, which counts 4,286,480 in convolutions and the last layer",
    ),
    KnownMobile(
        "fbnet_b",
        {"form": "fbnet"},
        _rows(FBNET_B),
        "Wu et al. 2019",
        4_813_048,
        "facebookresearch/mobile-vision, which counts 4,777,296 in convolutions and the last layer, two 3x3 for a 5x5",
    ),
    KnownMobile("fbnet_c", {"form": "fbnet"}, _rows(FBNET_C), "Wu et al. 2019", 5_572_200, "timm's fbnetc_100"),
    KnownMobile(
        "atomnas_a",
        {"form": "atomnas-small"},
        _atoms(ATOMNAS_A),
        "Mei et al. 2020",
        3_885_272,
        "meijieru/AtomNAS, apps/searched/models/atomnas_a.yml",
    ),
    KnownMobile(
        "atomnas_b",
        {"form": "atomnas"},
        _atoms(ATOMNAS_B),
        "Mei et al. 2020",
        4_453_927,
        "meijieru/AtomNAS, apps/searched/models/atomnas_b.yml",
    ),
    KnownMobile(
        "atomnas_c",
        {"form": "atomnas"},
        _atoms(ATOMNAS_C),
        "Mei et al. 2020",
        4_782_696,
        "meijieru/AtomNAS, apps/searched/models/atomnas_c.yml",
    ),
)


@cache
def known_mobile() -> Mapping[str, KnownMobile]:
    """All of them by name."""
    return MappingProxyType({each.name: each for each in KNOWN})


def mobile_network(name: str) -> KnownMobile:
    """The published mobile network of this name; ConfigurationError for one that is not known.

    name: as "mobilenet_v2"; dashes and capitals do as well.
    """
    found = known_mobile().get(name.strip().lower().replace("-", "_"))
    if found is None:
        raise ConfigurationError(f"there is no mobile network {name!r}{nearest(name, known_mobile())}")
    return found
