"""The gallery: the pictures of docs/pictures, each with what it shows."""

from __future__ import annotations

from pathlib import Path

from site_pages.sources import ROOT

FOLDER = ROOT / "docs" / "pictures"


def page() -> str:
    """The page, with every picture that is there."""
    head = ["# Gallery", "Pictures of real runs, made by scripts of this repository."]
    return "\n\n".join([*head, *(_shown(path.name) for path in pictures())]) + "\n"


def pictures() -> list[Path]:
    return sorted(path for path in FOLDER.glob("*") if path.suffix in (".svg", ".png")) if FOLDER.is_dir() else []


def _shown(name: str) -> str:
    title = name.rpartition(".")[0].replace("-", " ").replace("_", " ")
    return f"## {title.capitalize()}\n\n![{title}](pictures/{name})"
