"""Draws figures in a process of its own, which is ready when it is needed: vl-convert takes half a second."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from netwright.charts.figure import Figure, draw

# A drawing is asked for by a line of JSON, and answered by one. Ctrl-C is for who asks: this ends with its input.
WORDS = """
import json, signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
import vl_convert
vl_convert.vegalite_to_svg({"data": {"values": [{}]}, "mark": "point"}, allowed_base_urls=[])
for line in sys.stdin:
    print(json.dumps(vl_convert.vegalite_to_svg(json.loads(line), allowed_base_urls=[])), flush=True)
"""


class Drawer:
    """Turns figures into SVG beside this process; what is not done there is drawn here, when it is asked for."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._asking = ThreadPoolExecutor(1)

    def start(self) -> None:
        """Get ready, half a second before it is needed; again does nothing."""
        if self._process is None:
            self._process = subprocess.Popen(  # noqa: S603 - this very interpreter
                [sys.executable, "-P", "-X", "utf8", "-c", WORDS],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                encoding="utf-8",
            )

    def drawn(self, figures: Mapping[str, Figure]) -> dict[str, Figure]:
        """The same figures; their SVG is drawn from now on, one after the other."""
        self.start()
        return {name: self._drawn(each) for name, each in figures.items()}

    def _drawn(self, figure: Figure) -> Figure:
        drawable = figure.drawable
        asked = self._asking.submit(self._ask, drawable)
        return replace(figure, picture=lambda: draw(drawable) if asked.cancelled() else asked.result())

    def _ask(self, drawable: dict[str, Any]) -> str:
        assert self._process is not None and self._process.stdin is not None and self._process.stdout is not None
        with contextlib.suppress(OSError, ValueError):
            print(json.dumps(drawable, allow_nan=False, default=str), file=self._process.stdin, flush=True)
            return json.loads(self._process.stdout.readline())
        return draw(drawable)

    def close(self) -> None:
        """End the process; what has not been drawn yet is left."""
        self._asking.shutdown(wait=False, cancel_futures=True)
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
