"""Figures that are drawn in another process are the same figures, whatever becomes of that process."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

import pytest
from run_parts import Given, read, write

from netwright.charts import Figure, find
from netwright.charts.apart import Drawer


def figures(folder: Path) -> dict[str, Figure]:
    data = read(write(folder, [Given(0.5, 100), Given(0.75, 300), Given(0.6, 200)]))
    return {name: find(name).figure(data, theme="print") for name in ("front", "costs")}


def test_pictures_are_those_of_this_process(tmp_path: Path) -> None:
    made = figures(tmp_path)
    with closing(Drawer()) as drawer:
        drawn = drawer.drawn(made)
        assert {name: each.svg() for name, each in drawn.items()} == {name: each.svg() for name, each in made.items()}
        assert drawn["front"].pdf()[:4] == b"%PDF"
        dark = drawn["front"].themed("dark")
        assert dark.svg() == made["front"].themed("dark").svg() != drawn["front"].svg()


def test_what_a_process_that_ended_leaves_is_drawn_here(tmp_path: Path) -> None:
    made = figures(tmp_path)
    drawer = Drawer()
    drawer.start()
    assert drawer._process is not None
    drawer._process.kill()
    drawn = drawer.drawn(made)
    assert drawn["front"].svg() == made["front"].svg()
    drawer.close()
    began = time.monotonic()
    assert drawn["costs"].svg() == made["costs"].svg() and time.monotonic() - began < 3


def test_nothing_of_the_folder_that_one_stands_in_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = figures(tmp_path)
    (tmp_path / "vl_convert.py").write_text("open('ran', 'w')")
    monkeypatch.chdir(tmp_path)
    with closing(Drawer()) as drawer:
        assert drawer.drawn(made)["front"].svg() == made["front"].svg()
    assert not (tmp_path / "ran").exists()
