"""Why a cluster cannot be joined is said in one line, and soon; a real head is asked with a right and a wrong token."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from netwright.core.errors import ConfigurationError, UserError
from netwright.executors.on_ray import tokens
from netwright.executors.on_ray.reaching import because, require_answer

PROBE = """
import sys, warnings
warnings.showwarning = lambda message, *_: print("warning:", message)
from netwright.executors.ray import Ray
try:
    executor = Ray(1, address=sys.argv[1])
except Exception as problem:
    print(type(problem).__name__, problem)
else:
    print("joined")
    executor.close()
"""
MISMATCH = """Version mismatch: The cluster was started with:
    Ray: 2.49.0
    Python: 3.12.1
This process on node 192.0.2.1 was started with:
    Ray: 2.60.0
    Python: 3.11.7
"""


SAID = ("joined", "UserError", "warning: ")


class Refusal(Exception):
    pass


ERRORS = SimpleNamespace(AuthenticationError=Refusal, RayError=Refusal)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.mark.parametrize("address", ["head", "head:", ":6379", "head:port", "head:0", "head:99999"])
def test_an_address_that_is_none_is_named(address: str) -> None:
    with pytest.raises(ConfigurationError, match="expected auto, or host:port as head:6379"):
        require_answer(address, ERRORS)


def test_a_port_at_which_nothing_listens_and_a_host_that_is_not_there_are_named() -> None:
    port = free_port()
    with pytest.raises(UserError, match=rf"nothing listens at port {port} of 127.0.0.1; start one with: ray start"):
        require_answer(f"127.0.0.1:{port}", ERRORS)
    with pytest.raises(UserError, match=r"there is no host of the name 'nowhere\.invalid'"):
        require_answer("nowhere.invalid:6379", ERRORS)


def test_a_host_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*_: object) -> None:
        raise TimeoutError

    monkeypatch.setattr("socket.create_connection", silent)
    with pytest.raises(UserError, match="the host does not answer within 10 s"):
        require_answer("head:6379", ERRORS)


def test_what_ray_says_is_told_whole_and_in_one_line() -> None:
    told = str(because("head:6379", RuntimeError(MISMATCH)))
    assert "Ray: 2.49.0 Python: 3.12.1" in told and "Ray: 2.60.0 Python: 3.11.7" in told and "\n" not in told
    assert told.endswith("all nodes and this process need the same versions of Ray and Python")
    other = str(because("head:6379", ConnectionError("Failed\nto connect")))
    assert other.startswith("no Ray cluster at 'head:6379': Failed to connect; start one with: ray start --head")


@pytest.mark.parametrize("address", [None, "local", "auto", "head:6379"])
def test_whatever_keeps_ray_from_starting_is_one_line(address: str | None) -> None:
    told = str(because(address, Exception("The current node timed out.\n\n" + "Look at the logs. " * 100)))
    assert "The current node timed out. Look" in told and "\n" not in told and len(told) < 700
    assert ("Ray could not be started on this machine" in told) == (address in (None, "local"))
    assert "Exception" in str(because(address, Exception()))


@pytest.mark.parametrize("place", ["head:6379", "192.0.2.7:6379", "[2001:db8::1]:6379", "ray://192.0.2.7:10001"])
def test_a_cluster_elsewhere_that_lets_in_everybody_is_refused(monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    monkeypatch.delenv(tokens.MODE, raising=False)
    with pytest.raises(UserError, match=r"asks for no token.*ray get-auth-token --generate.*RAY_AUTH_MODE=disabled"):
        tokens.require_protected(place)
    monkeypatch.setenv(tokens.MODE, "disabled")
    tokens.require_protected(place)


@pytest.mark.parametrize("place", ["127.0.0.1:6379", "localhost:6379", "[::1]:6379"])
def test_one_behind_the_loopback_address_is_warned_of(monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    monkeypatch.delenv(tokens.MODE, raising=False)
    with pytest.warns(UserWarning, match="asks for no token"):
        tokens.require_protected(place)


def test_a_ray_from_before_tokens_is_refused() -> None:
    for version in ("2.49.0", "2.51.9", "1.13"):
        with pytest.raises(UserError, match=r"install 'ray>=2\.52'"):
            tokens.require_version(version)
    for version in ("2.52.0", "2.60.0", "3.0.0.dev0"):
        tokens.require_version(version)
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert project["optional-dependencies"]["ray"] == ["ray>=2.52"]


def test_a_cluster_of_ones_own_has_a_token_unless_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(tokens.MODE, "")
    tokens.ask_for_token_by_default()
    assert os.environ[tokens.MODE] == "token"
    monkeypatch.setenv(tokens.MODE, "disabled")
    with pytest.warns(UserWarning, match="RAY_AUTH_MODE is 'disabled'"):
        tokens.ask_for_token_by_default()
    assert os.environ[tokens.MODE] == "disabled"


@contextmanager
def started(*, token: bool) -> Iterator[tuple[str, dict[str, str]]]:
    """The address of a head, with a token in a file or none, and the environment of the shell that started it."""
    pytest.importorskip("ray", reason="the extra `ray` is not installed")
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as home:  # names of sockets are short
        (Path(home) / "token").write_text(secrets.token_hex(32))
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
        environment = {**inherited, "HOME": home, "RAY_TMPDIR": home, "RAY_USAGE_STATS_ENABLED": "0"}
        if token:
            environment |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": f"{home}/token"}
        command = [Path(sys.executable).parent / "ray", "start", "--head", f"--port={port}", "--num-cpus=1", "--block"]
        options = ["--include-dashboard=false", "--object-store-memory=100000000", "--include-log-monitor=false"]
        with subprocess.Popen(
            [*command, *options], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            assert process.stdout is not None
            assert any("Ray runtime started" in line for line in process.stdout), "the head did not start"
            try:
                yield f"127.0.0.1:{port}", environment
            finally:
                process.terminate()
                process.communicate(timeout=60)


@pytest.fixture(scope="module")
def head() -> Iterator[tuple[str, dict[str, str]]]:
    with started(token=True) as found:
        yield found


def joined(address: str, environment: dict[str, str]) -> str:
    done = subprocess.run([sys.executable, "-c", PROBE, address], env=environment, capture_output=True, text=True)
    said = [line for line in done.stdout.splitlines() if line.startswith(SAID)]
    return "\n".join(said) or done.stderr


@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.timeout(900)  # processes that start Ray, one after the other
def test_a_head_lets_in_who_has_its_token_and_others_are_told_why_not(head: tuple[str, dict[str, str]]) -> None:
    address, right = head
    assert joined(address, right) == "joined"
    unset = {name: value for name, value in right.items() if name != "RAY_AUTH_MODE"}
    assert "wants a token, but RAY_AUTH_MODE is not 'token' here; export RAY_AUTH_MODE=token" in joined(address, unset)
    wrong = {**right, "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    assert "refused the token of this process" in joined(address, wrong)
    none = {name: value for name, value in right.items() if name != "RAY_AUTH_TOKEN_PATH"}
    assert "RAY_AUTH_MODE is 'token', but there is no token here" in joined(address, none)


def own_address() -> str:
    """The address by which this machine is seen elsewhere; nothing is sent for that."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        try:
            asked.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return asked.getsockname()[0]


@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.timeout(900)  # processes that start Ray, one after the other
def test_a_head_without_a_token_is_never_joined_in_silence() -> None:
    with started(token=False) as (address, environment):
        host = own_address()
        elsewhere = f"{host}:{address.rpartition(':')[2]}"
        with_token = {**environment, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
        if host.startswith("127."):
            pytest.skip("this machine has no address but the loopback one")
        for own in (environment, with_token):
            assert joined(elsewhere, own).startswith(f"UserError the Ray cluster at {elsewhere} asks for no token")
        told = joined(address, environment)
        assert told.startswith("warning: the Ray cluster") and told.endswith("\njoined")
        assert joined(elsewhere, {**environment, "RAY_AUTH_MODE": "disabled"}) == "joined"
