"""Headers of answers that are not pages."""

from __future__ import annotations


def as_file(name: str) -> dict[str, str]:
    """For an answer that a browser keeps as a file of this name."""
    plain = "".join(each if each.isascii() and (each.isalnum() or each in "._-") else "-" for each in name)
    return {"content-disposition": f'attachment; filename="{plain}"'}


def for_long() -> dict[str, str]:
    """For an answer whose address changes when it does."""
    return {"cache-control": "private, max-age=31536000, immutable"}
