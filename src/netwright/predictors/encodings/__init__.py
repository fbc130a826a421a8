"""Encodings: architectures of a space as rows of numbers, for predictors and kernels."""

from __future__ import annotations

from netwright.predictors.encodings.adjacency import Adjacency
from netwright.predictors.encodings.encoding import Encoding
from netwright.predictors.encodings.flow import Flow
from netwright.predictors.encodings.one_hot import OneHot
from netwright.predictors.encodings.paths import Paths

__all__ = ["Adjacency", "Encoding", "Flow", "OneHot", "Paths"]
