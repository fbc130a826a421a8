"""Options in messages: written once, as Python writes them, and shown by the command line as its own flags.

What `option` and `spelled` give is marked by a control character at either end. `str()` of an error takes the marks
away, and the command line puts its flags in their place (`netwright.cli.flags`).
"""

from __future__ import annotations

import re
from collections.abc import Callable

MARK = "\x1f"
_SPAN = re.compile(f"{MARK}([^{MARK}]*){MARK}")


def option(name: str, value: object = None) -> str:
    """An option for a message: `nan='impute-median'` in Python, or `target=` where no value is proposed.

    name: the argument of the Python function.
    """
    return spelled(f"{name}=" if value is None else f"{name}={value!r}")


def spelled(code: str) -> str:
    """A piece of Python for a message, which the command line says in another way."""
    return f"{MARK}{code.replace(MARK, ' ')}{MARK}"


def plain(text: str) -> str:
    """The text as Python shows it."""
    return respelled(text, lambda code: code)


def respelled(text: str, spell: Callable[[str], str]) -> str:
    """The text with every marked piece of Python replaced by what `spell` says for it."""
    return _SPAN.sub(lambda span: spell(span[1]), text) if MARK in text else text
