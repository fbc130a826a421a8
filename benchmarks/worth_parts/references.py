"""What an expert would have typed, given all of the time: one reference in a process of its own.

    python -m worth_parts.references '{"reference": "trees", "given": "given.csv", "labelled": "labelled.csv", ...}'

It prints one JSON object: the score by the same judge as for all others, how many examples were judged, and the seconds
of its training.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

BEGAN = time.monotonic()
KEPT = 0.9  # of the time, after which no further training begins


class Asked:
    """What a reference is asked.

    given, labelled: files or folders, to learn from and to be judged on.
    kind: of answers.
    options: of the data, as they are typed.
    seconds: from the start of this process.
    seed: of everything random.
    """

    def __init__(self, described: dict[str, Any]) -> None:
        self.reference: str = described["reference"]
        self.given: str = described["given"]
        self.labelled: str = described["labelled"]
        self.kind: str = described["kind"]
        self.options: dict[str, str] = described["options"]
        self.seconds: float = described["seconds"]
        self.seed: int = described["seed"]

    @property
    def left(self) -> float:
        """Seconds until no further training may begin."""
        return KEPT * self.seconds - (time.monotonic() - BEGAN)


def makers() -> dict[str, Callable[[Asked], tuple[float, int]]]:
    """By name, what learns, answers, and gives its score and how many examples were judged."""
    from worth_parts import fitted_references as fitted
    from worth_parts import trained_references as trained

    return {
        "trees": fitted.trees,
        "words": fitted.words,
        "neighbours": fitted.neighbours,
        "counts": fitted.counts,
        "resnet": trained.resnet,
        "unet": trained.unet,
        "series-resnet": trained.series_resnet,
        "mlp": trained.mlp,
    }


def main() -> None:
    asked = Asked(json.loads(sys.argv[1]))
    ready = time.monotonic()
    score, examples = makers()[asked.reference](asked)
    print(json.dumps({"score": score, "examples": examples, "training": time.monotonic() - ready}))


if __name__ == "__main__":
    main()
