"""`netwright serve` refuses a folder that is not there, naming the nearest project."""

from __future__ import annotations

from pathlib import Path

import pytest

from netwright.cli.serve import serve_pages
from netwright.core.errors import UserError
from netwright.store import Store


def test_a_folder_that_is_not_there_is_an_error_with_the_nearest_project(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=", and no project in"):
        serve_pages(tmp_path / "runs", "127.0.0.1", 0, "", (), control=False, open_browser=False, quiet=True)
    Store(tmp_path / "my-runs").close()
    (tmp_path / "my-other").mkdir()
    with pytest.raises(UserError, match="did you mean 'my-runs'"):
        serve_pages(tmp_path / "my-run", "127.0.0.1", 0, "", (), control=False, open_browser=False, quiet=True)
