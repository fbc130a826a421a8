"""`make docs` writes the pages of docs/reference; with `--check` it only says which of them differ from the code."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from reference_pages import commands, data, json_page, metrics, objects, taxonomy

FOLDER = Path(__file__).parents[2] / "docs" / "reference"
PAGES: dict[str, Callable[[], str]] = {
    "commands.md": commands.commands_page,
    "data.md": data.data_page,
    "spaces.md": objects.spaces_page,
    "strategies.md": objects.strategies_page,
    "parts.md": objects.parts_page,
    "methods.md": objects.methods_page,
    "map.md": taxonomy.map_page,
    "estimators.md": objects.estimators_page,
    "predictors.md": objects.predictors_page,
    "training.md": objects.training_page,
    "metrics.md": metrics.metrics_page,
    "json.md": json_page.json_page,
    "python.md": objects.python_page,
}


def differing(folder: Path = FOLDER) -> list[str]:
    """The names of the pages that are not what the code says now."""
    return [name for name, text in texts().items() if not _holds(folder / name, text)]


def texts() -> dict[str, str]:
    return {name: write() for name, write in PAGES.items()}


def _holds(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text


def main(words: list[str]) -> int:
    if words == ["--check"]:
        found = differing()
        sys.stdout.write("".join(f"docs/reference/{name} is not what the code says: make docs\n" for name in found))
        return int(bool(found))
    FOLDER.mkdir(exist_ok=True)
    for name, text in texts().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
