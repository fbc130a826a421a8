"""What a strategy remembers, kept beside the log where its asks take long, so that a resume need not ask them again."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import time
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import safetensors
import safetensors.numpy

from netwright.core.checkpoints import Checkpoints, Generation
from netwright.core.packing import packed, unpacked
from netwright.core.strategy import Remembering, in_role
from netwright.version import __version__

if TYPE_CHECKING:
    import numpy as np

    from netwright.core.strategy import Strategy
    from netwright.core.trial import Proposal, Trial
    from netwright.store.rows import StoredTrial

FOLDER = "asking"
EVERY = 0.1  # seconds of asking after which the memory is kept, at least
SHARE = 0.05  # of the time of asking that keeping it may take


class Place(NamedTuple):
    """A place in the log: so many trials were asked, and so many told."""

    asked: int
    told: int


class Memory:
    """Keeps what a strategy remembers as the run goes on, and finds it again when the run is resumed.

    folder: None keeps nothing; nor is anything kept of a strategy that gives no memory, or before `writing` is set.
    A memory counts only for the log and the version that it was kept with; without one, everything is asked again.
    """

    def __init__(self, strategy: Strategy, folder: Path | None) -> None:
        self._strategy, self._remembering = strategy, in_role(strategy, Remembering)
        gives_one = self._remembering is not None and self._remembering.memory() is not None
        self._checkpoints = Checkpoints(folder) if folder is not None and gives_one else None
        self.active = self._checkpoints is not None
        self.writing = False
        self._log = _Log()
        self._sound = True  # whether all calls of the strategy have come to their end
        self._spent = 0.0  # seconds of asking that would have to be done again
        self._cost = 0.0  # seconds that keeping took the last time

    def ask(self, rng: np.random.Generator) -> Proposal | None:
        """Ask the strategy, and note how long it takes."""
        started = time.perf_counter()
        with self._whole():
            proposal = self._strategy.ask(rng)
        self._spent += time.perf_counter() - started
        return proposal

    def tell(self, trial: Trial) -> None:
        """Tell the strategy."""
        with self._whole():
            self._strategy.tell(trial)

    @contextlib.contextmanager
    def _whole(self) -> Generator[None]:
        """Around a call of the strategy: one that is broken off leaves nothing that is worth remembering."""
        whole, self._sound = self._sound, False
        yield
        self._sound = whole

    def asked(self, told: int) -> None:
        """Note that another trial was asked, after so many had been told."""
        if self._checkpoints is not None:
            self._log.ask(told)

    def told(self, trial: Trial) -> None:
        """Note how a trial ended that the strategy was told of, or remembers."""
        if self._checkpoints is not None:
            self._log.tell(trial.number, trial.state, trial.scores)

    def look(self) -> None:
        """Keep the memory if much was asked since the last time, beside what keeping it takes."""
        if self._spent > EVERY and self._cost < SHARE * self._spent:
            self.settle()

    def settle(self) -> None:
        """Keep the memory as it is now. A disk without room for it is left alone: asking again gives the same."""
        started = time.perf_counter()
        if not (self.writing and self._checkpoints and self._remembering and self._sound and self._spent):
            return
        memory = self._remembering.memory()
        if memory is None:
            return
        plain, arrays = packed(memory)
        facts = {
            "version": __version__,
            "told": self._log.told,
            "log": self._log.digest(),
            "memory": plain,
        }
        with contextlib.suppress(OSError):
            self._checkpoints.save(
                self._log.asked,
                lambda path: safetensors.numpy.save_file(arrays, path.with_suffix(".safetensors")),
                facts,
            )
        self._spent, self._cost = 0.0, time.perf_counter() - started

    def clear(self) -> None:
        """Remove what is kept."""
        if self._checkpoints is not None:
            shutil.rmtree(self._checkpoints.folder, ignore_errors=True)

    def restore(self, stored: Sequence[StoredTrial]) -> Place:
        """Have the strategy remember the latest place that is in this log; (0, 0) without one."""
        if self._checkpoints is None or self._remembering is None:
            return Place(0, 0)
        if self.writing:
            self._checkpoints.clean()
        for generation in self._checkpoints.generations(len(stored)):
            found = self._matching(generation, stored)
            if found is not None:
                self._remembering.remember(found)
                return Place(generation.step, generation.facts["told"])
        return Place(0, 0)

    def _matching(self, generation: Generation, stored: Sequence[StoredTrial]) -> Mapping[str, Any] | None:
        """What was kept, if it was kept by this version, of this log."""
        facts = generation.facts
        if facts["version"] != __version__:
            return None
        log, place = _Log(), Place(generation.step, facts["told"])
        for each in stored[: place.asked]:
            log.ask(each.asked)
        for each in in_order_told(stored)[: place.told]:
            log.tell(each.number, each.state, each.scores)
        if (log.asked, log.told) != place or log.digest() != facts["log"]:
            return None
        try:
            arrays = safetensors.numpy.load_file(generation.path.with_suffix(".safetensors"))
        except (OSError, safetensors.SafetensorError):
            return None
        return unpacked(facts["memory"], arrays)


def in_order_told(stored: Sequence[StoredTrial]) -> list[StoredTrial]:
    """The trials that the strategy was told of, in that order."""
    return sorted((each for each in stored if each.told is not None), key=lambda each: each.told or 0)


class _Log:
    """How many trials were asked and told, and a digest of what the strategy heard and when it was asked."""

    def __init__(self) -> None:
        self.asked = self.told = 0
        self._asks, self._tells = hashlib.sha256(), hashlib.sha256()

    def ask(self, told: int) -> None:
        self.asked += 1
        self._asks.update(b"%d " % told)

    def tell(self, number: int, state: str, scores: Sequence[float]) -> None:
        self.told += 1
        self._tells.update(f"{number} {state} {tuple(scores)!r}\n".encode())

    def digest(self) -> str:
        return f"{self._asks.hexdigest()}{self._tells.hexdigest()}"
