"""All networks of a space in one, with shared weights."""

from netwright.supernets.atomic import Atoms
from netwright.supernets.blockwise import BlockByBlock
from netwright.supernets.sharing import (
    Affine,
    Form,
    GroupSeries,
    InSupernet,
    KernelTransform,
    Merged,
    NormalisedPooling,
    PartialChannels,
    Recompute,
    RunningStatistics,
    SharedNetwork,
    Sharing,
    Unfused,
)
from netwright.supernets.supernet import Supernet

PROVIDES = ("super.mixed_op", "super.path", "super.slim")

__all__ = [
    "Affine",
    "Atoms",
    "BlockByBlock",
    "Form",
    "GroupSeries",
    "InSupernet",
    "KernelTransform",
    "Merged",
    "NormalisedPooling",
    "PartialChannels",
    "Recompute",
    "RunningStatistics",
    "SharedNetwork",
    "Sharing",
    "Supernet",
    "Unfused",
]
