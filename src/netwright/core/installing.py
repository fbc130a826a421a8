"""Where this package lies, and how to get one that is missing where this Python looks for packages."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

HOME = Path(__file__).parents[2]  # the folder from which netwright is imported


def installing(*packages: str) -> str:
    """The command that installs these packages for the Python that runs now: "python -m pip install 'ray>=2.52'"."""
    return f"{_python()} -m pip install {' '.join(map(shlex.quote, packages))}"


def required(extra: str | None = None) -> tuple[str, ...]:
    """What netwright needs, as its installed metadata says; of an extra, what that adds. Empty without metadata.

    extra: a name as in `pip install '.[ray]'`, or None for what is always needed.
    """
    from importlib.metadata import PackageNotFoundError, requires  # both imports cost time; few processes need them

    try:
        lines = [line.partition(";") for line in requires("netwright") or []]
    except PackageNotFoundError:
        return ()
    pieces = [(need.strip(), re.findall(r"extra == ['\"]([\w-]+)['\"]", rest)) for need, _, rest in lines]
    return tuple(need for need, extras in pieces if (extra in extras if extra else not extras))


def package(requirement: str) -> str:
    """The name in a requirement: "ray" of "ray>=2.52"."""
    return re.split(r"[^\w.-]", requirement, maxsplit=1)[0]


def _python() -> str:
    """How to call the Python that runs now: `python` where the shell finds this one by that name."""
    import shutil

    found = shutil.which("python")
    same = found is not None and Path(found).absolute() == Path(sys.executable).absolute()
    return "python" if same else shlex.quote(sys.executable or "python")
