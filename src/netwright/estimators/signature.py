"""Training options by name in the constructors of estimators that train."""

from __future__ import annotations

import inspect
from collections.abc import Callable

from netwright.core.configuration import constructor
from netwright.training import TrainingSettings


def with_training_settings(defaults: TrainingSettings) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Puts every field of TrainingSettings, with these defaults, into the signature, in place of `**overrides`."""

    def changed(initialise: Callable[..., None]) -> Callable[..., None]:
        signature = inspect.signature(initialise)
        own = [each for each in signature.parameters.values() if each.kind is not inspect.Parameter.VAR_KEYWORD]
        fields = constructor(TrainingSettings).parameters.values()
        settings = [
            each.replace(kind=inspect.Parameter.KEYWORD_ONLY, default=defaults.arguments[each.name]) for each in fields
        ]
        initialise.__signature__ = signature.replace(parameters=[*own, *settings])  # pyright: ignore
        return initialise

    return changed
