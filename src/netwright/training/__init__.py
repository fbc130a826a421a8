"""The one training loop, for candidates in a search and for final training."""

from netwright.training.evaluation import evaluate, predict
from netwright.training.randomness import seeded
from netwright.training.result import GivenUp, OutOfTime, TrainingResult
from netwright.training.settings import TrainingSettings
from netwright.training.trainer import train

__all__ = ["GivenUp", "OutOfTime", "TrainingResult", "TrainingSettings", "evaluate", "predict", "seeded", "train"]
