"""--notify tells an address or a command how a run ended, and that it fails; --serve shows pages beside it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from netwright.cli import notifying as notifying_of
from netwright.cli.notifying import Notifier, current, notifying
from netwright.cli.pages_beside import pages_beside
from netwright.core.errors import SearchFailed, UserError
from netwright.core.trial import Measurement, Proposal, Trial

Heard = list[dict[str, Any]]


@pytest.fixture
def address() -> Iterator[tuple[str, Heard]]:
    """Where JSON may be sent, and what came."""
    heard: Heard = []

    class Hearing(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(302 if self.path == "/elsewhere" else 204)
            self.send_header("location", "/other")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Hearing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", heard
    server.shutdown()
    server.server_close()


def trial(number: int, state: Any) -> Trial:
    return Trial(number, Proposal(None), state, Measurement({}), reason="the data was lost")  # type: ignore[arg-type]


def test_an_address_hears_of_the_end(address: tuple[str, Heard], tmp_path: Path) -> None:
    link, heard = address
    with notifying(link, tmp_path):
        mine = current()
        assert mine is not None
        mine.run = "r"
    with pytest.raises(SearchFailed), notifying(link, tmp_path):
        raise SearchFailed("none of the 5 trials completed")
    with pytest.raises(KeyboardInterrupt), notifying(link, tmp_path):
        raise KeyboardInterrupt
    assert [each["event"] for each in heard] == ["finished", "failed", "interrupted"]
    assert heard[0]["run"] == "r" and heard[1]["text"] == "none of the 5 trials completed"
    assert current() is None


def test_it_is_told_once_that_a_run_fails_and_again_after_it_has_recovered(
    address: tuple[str, Heard], tmp_path: Path
) -> None:
    link, heard = address
    mine = Notifier(link, tmp_path)
    states = ["error"] * 5 + ["completed"] * 10 + ["infeasible"] * 9 + ["timeout"] * 6
    for number, state in enumerate(states):
        mine.trial(trial(number, state))
    mine.settle()
    assert [each["event"] for each in heard] == ["failing", "failing"]
    assert "3 of the latest 3 trials failed" in heard[0]["text"] and "the data was lost" in heard[0]["text"]


def test_what_comes_later_waits_for_what_was_told_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    def post(_address: str, body: bytes) -> None:
        text = json.loads(body)["text"]
        time.sleep(0.3 if text == "first" else 0)
        told.append(text)

    monkeypatch.setattr(notifying_of, "_post", post)
    mine = Notifier("http://127.0.0.1:9", tmp_path)
    for text in ("first", "second", "third"):
        mine.tell("failing", text)
    mine.settle()
    assert told == ["first", "second", "third"]


def test_a_command_gets_it_as_input_and_no_shell_reads_it(tmp_path: Path) -> None:
    script = tmp_path / "hear.py"
    script.write_text(
        "import os, sys, pathlib\n"
        "pathlib.Path(sys.argv[1]).write_text(os.environ['NETWRIGHT_EVENT'] + sys.stdin.read())"
    )
    with notifying(f"{sys.executable} {script} {tmp_path / 'heard'} ; touch {tmp_path / 'shell'}", tmp_path):
        pass
    assert (tmp_path / "heard").read_text().startswith('finished{"event"')
    assert not (tmp_path / "shell").exists()


def test_what_goes_wrong_is_said_and_ends_nothing(
    address: tuple[str, Heard], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for target in ("false", "http://127.0.0.1:9/x", f"{address[0]}/elsewhere"):
        with notifying(target, tmp_path):
            pass
    assert capsys.readouterr().err.count("--notify could not tell of 'finished'") == 3
    assert len(address[1]) == 1  # a redirection is not followed


@pytest.mark.parametrize("target", ["ftp://example.org", "no-such-command --x", "'", "file:///etc/passwd", ""])
def test_an_address_that_is_none_is_refused_before_the_search(target: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--notify"):
        Notifier(target, tmp_path)


def test_pages_are_there_beside_a_search_and_end_with_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pages_beside(tmp_path / "runs", wanted=True, aloud=True):
        found = re.search(r"http://127\.0\.0\.1:\d+/", capsys.readouterr().out)
        assert found is not None
        with urllib.request.urlopen(f"{found[0]}api/live", timeout=20) as answer:
            assert json.loads(answer.read())["sequence"] == 0
    with pytest.raises(OSError):
        urllib.request.urlopen(f"{found[0]}api/live", timeout=5)


def test_pages_end_when_the_search_is_killed(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from netwright.cli.pages_beside import pages_beside\n"
        f"with pages_beside(Path({str(tmp_path / 'runs')!r}), wanted=True, aloud=True):\n"
        "    sys.stdin.readline(); os.kill(os.getpid(), 9)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as search:
        assert search.stdin is not None and search.stdout is not None
        link = search.stdout.readline().decode().split()[-1]
        with urllib.request.urlopen(f"{link}api/live", timeout=20):
            pass
        search.stdin.write(b"\n")
        search.stdin.close()
        search.wait(10)
    for _ in range(50):
        try:
            urllib.request.urlopen(f"{link}api/live", timeout=5).close()
        except OSError:
            return
        threading.Event().wait(0.1)
    raise AssertionError("the pages live on")
