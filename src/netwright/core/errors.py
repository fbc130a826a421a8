"""Everything netwright raises on purpose, in one tree.

NetwrightError                     exit code 1
├── UserError (ValueError)         2   what the user wrote cannot be done as it stands
│   ├── ConfigurationError         2   an option that does not exist, or a value of the wrong kind
│   ├── InvalidArchitecture        2   not a point of this space
│   └── NoRoom                     2   the disk is full (netwright.store.problems)
├── SearchFailed                   3   every trial failed
│   └── UntrainableSpace           3   every trial would fail: the space's networks raise errors (a UserError, too)
├── Busy                           4   another process drives this run, or holds the store
├── DataError (ValueError)         5   the data cannot be used
├── CorruptStore                   6   a stored file is damaged or another program's
├── MissingExtra (ImportError)     2   an optional dependency is not installed
├── StopSearch                     -   the strategy has nothing more to ask
│   └── SpaceExhausted             -   every architecture was asked
└── TrialFailed                    -   one trial ended without a measurement
    ├── Diverged                   -   the loss is no longer finite
    └── OutOfMemory                -   the device has no room for this network
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence

from netwright.core.installing import installing, required
from netwright.core.spelling import plain
from netwright.core.wording import listed, shortened


class Told(BaseException):
    """What tells people something that the command line says in other words than Python."""

    def __str__(self) -> str:
        return plain(self.marked)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    @property
    def marked(self) -> str:
        """The message with the marks of `netwright.core.spelling`, for whoever shows options in another way."""
        return super().__str__()


class NetwrightError(Told, Exception):
    exit_code = 1


class UserError(NetwrightError, ValueError):
    exit_code = 2


class ConfigurationError(UserError, TypeError):
    pass


class InvalidArchitecture(UserError):
    pass


class OutsideSpace(InvalidArchitecture):
    """An architecture of the whole of which a space is a part, but not of the part; tables leave out its rows."""


class SearchFailed(NetwrightError):
    exit_code = 3


class UntrainableSpace(SearchFailed, UserError):
    exit_code = 3


class Busy(NetwrightError):
    exit_code = 4


class DataError(NetwrightError, ValueError):
    exit_code = 5


class CorruptStore(NetwrightError):
    exit_code = 6


class MissingExtra(NetwrightError, ImportError):
    exit_code = 2

    def __init__(self, module: str, extra: str) -> None:
        super().__init__(f"{module} is not installed; get it with: {installing(*(required(extra) or (module,)))}")


class StopSearch(NetwrightError):
    """A strategy raises this from `ask` when it has nothing more to ask; the message says why."""


class SpaceExhausted(StopSearch):
    pass


class TrialFailed(NetwrightError):
    """An estimator raises this when a trial ends without a usable result.

    `metrics` and `curve` keep what was measured before the end.
    """

    state = "error"

    def __init__(
        self,
        reason: str,
        metrics: Mapping[str, float] | None = None,
        curve: Sequence[Mapping[str, float]] = (),
    ) -> None:
        super().__init__(reason)
        self.metrics = dict(metrics or {})
        self.curve = tuple(curve)


class Diverged(TrialFailed):
    state = "diverged"


class OutOfMemory(TrialFailed):
    state = "out_of_memory"


def marked(told: BaseException | str) -> str:
    """The text of an error, with its marks where it has any, to stand in the text of another one."""
    return told.marked if isinstance(told, Told) else str(told)


LONGEST_SHOWN = 200


def shown(value: object) -> str:
    """What somebody wrote, as an error message repeats it: its repr, cut where it is long."""
    return shortened(repr(value), LONGEST_SHOWN)


def nearest(name: object, known: Iterable[object]) -> str:
    """The sentence that ends an "unknown name" message: the nearest known name, then all of them (at most 12)."""
    names = [str(each) for each in known]
    close = closest(name, names)
    hint = "." if close is None else f"; did you mean {close!r}?"
    return f"{hint} Known: {listed(names, 12)}." if names else f"{hint} There are none."


def closest(name: object, known: Sequence[str]) -> str | None:
    """The known name that is most like this one, above all the only one that begins so; None where none is."""
    longer = [each for each in known if len(str(name)) > 2 and str(each).startswith(str(name))]
    if len(longer) == 1:
        return longer[0]
    found = difflib.get_close_matches(str(name)[:LONGEST_SHOWN], known, n=1, cutoff=0.5)
    return found[0] if found else None
