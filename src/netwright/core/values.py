"""Values: frozen dataclasses with slots, for what a search makes anew for every trial."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def value(cls: type[T]) -> type[T]:
    """`dataclass(frozen=True, slots=True)` whose objects are made in half the time.

    The constructor of a frozen dataclass goes round its own lock for each field. Here a twin of the class, without the
    lock, has the constructor: an object is filled as one of the twin's and then given its own class.
    """
    annotations = inspect.get_annotations(cls)
    own = {name: found for name, found in vars(cls).items() if name in annotations}
    names = {"__annotations__": annotations, "__module__": cls.__module__, "__qualname__": cls.__qualname__}
    twin: Any = dataclass(slots=True)(type(cls.__name__, (), {**own, **names}))
    frozen: Any = dataclass(frozen=True, slots=True)(cls)
    fill, change = twin.__init__, object.__setattr__

    @wraps(frozen.__init__)
    def construct(self: Any, *args: Any, **kwargs: Any) -> None:
        change(self, "__class__", twin)
        fill(self, *args, **kwargs)
        self.__class__ = frozen

    frozen.__init__ = construct
    return frozen
