"""What MkDocs calls while it builds the site (mkdocs.yml): adds pages that lie outside of docs/, and turns links."""

from __future__ import annotations

from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from site_pages import assets, examples, gallery, interfaces
from site_pages.links import linked
from site_pages.navigation import completed
from site_pages.sources import BESIDE, ROOT

MADE = {
    "examples/README.md": examples.index,
    "gallery.md": gallery.page,
    "interfaces.md": interfaces.page,
}  # pages that are written while the site is built


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Pages that mkdocs.yml does not name are put with the guides, so that a new one is never left out."""
    config.nav = completed(config.nav or [], config.docs_dir)
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """The pages of the site: those of docs/, those beside it, and those that are made here."""
    pages = {there: (ROOT / here).read_text(encoding="utf-8") for here, there in BESIDE.items()}
    pages |= {there: write() for there, write in MADE.items()}
    pages |= examples.pages()
    for there, text in {**pages, **gallery.files()}.items():
        files.append(File.generated(config, there, content=text))
    for there, path in assets.files().items():
        files.append(File.generated(config, there, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Links of the repository as links of the site; the first page has the whole width."""
    if page.file.src_uri == "index.md":
        page.meta["hide"] = ["navigation", "toc"]
    return linked(markdown, page.file.src_uri)
