"""Which files of the repository are pages of the site, and where they stand there."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
BESIDE = {
    "README.md": "readme.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "CHANGELOG.md": "changelog.md",
    "benchmarks/RESULTS.md": "benchmarks/RESULTS.md",
}  # pages that lie outside of docs/


def page_of(path: str) -> str | None:
    """Where a file or folder of the repository stands in the site; None for what is no page.

    path: relative to the repository, with slashes.
    """
    if path in BESIDE:
        return BESIDE[path]
    if path.startswith("examples/") and path.endswith(".py"):
        return path.removesuffix(".py") + ".md"
    if path in ("examples", "docs"):
        return "examples/README.md" if path == "examples" else "index.md"
    if not path.startswith("docs/"):
        return None
    inside = path.removeprefix("docs/")
    return f"{inside}/README.md" if (ROOT / path / "README.md").is_file() else inside


def source_of(page: str) -> str:
    """The file of the repository that a page of the site comes from, relative to the repository."""
    outside = {there: here for here, there in BESIDE.items()}
    return outside.get(page, f"docs/{page}")
