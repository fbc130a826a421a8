"""An extension of Griffe: docstrings of this project's form, a sentence and `name: what it is.`, with tables."""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import Any

from griffe import (
    Class,
    Docstring,
    DocstringParameter,
    DocstringSectionParameters,
    DocstringSectionText,
    Extension,
    Function,
)

from reference_pages.docstrings import lines, parameters, prose, summary
from reference_pages.markdown import kind, value
from site_pages.interfaces import places


class Docstrings(Extension):
    """Reads what the docstrings of classes and functions say of parameters as the reference does."""

    def on_class_instance(self, *, cls: Class, **_: Any) -> None:
        _read(cls)

    def on_function_instance(self, *, func: Function, **_: Any) -> None:
        _read(func)


def _read(described: Class | Function) -> None:
    if not described.path.startswith(places()):
        return
    live = _imported(described.path)
    if described.docstring is None or not callable(live):
        return
    told = lines(live)
    items = [
        DocstringParameter(name, annotation=kind(each), description=told[name], value=_default(each))
        for name, each in parameters(live).items()
        if name != "self" and told.get(name)
    ]
    texts = [summary(live), *prose(live)]
    sections: list[Any] = [DocstringSectionText("\n\n".join(each for each in texts if each))]
    described.docstring = _sectioned(described.docstring, [*sections, *_table(items)])


def _default(parameter: inspect.Parameter) -> str | None:
    return None if parameter.default is parameter.empty else value(parameter.default)


def _table(items: list[DocstringParameter]) -> list[DocstringSectionParameters]:
    return [DocstringSectionParameters(items)] if items else []


def _sectioned(docstring: Docstring, sections: list[Any]) -> Docstring:
    docstring.__dict__["parsed"] = sections
    return docstring


def _imported(path: str) -> Any:
    """The object of this path, or None where it is made at run time only."""
    module, _, rest = path, "", []
    while True:
        try:
            found: Any = import_module(module)
            break
        except ImportError:
            module, _, name = module.rpartition(".")
            rest.insert(0, name)
            if not module:
                return None
    for name in rest:
        found = vars(found).get(name) if isinstance(found, type) else getattr(found, name, None)
    return found
