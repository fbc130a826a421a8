"""Files of the site beside its pages: its style, and what its search needs where pages are opened as files."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent / "assets"


def files() -> dict[str, Path]:
    """The files by where they stand in the site."""
    return {f"assets/{path.name}": path for path in sorted(FOLDER.iterdir()) if path.is_file()}
