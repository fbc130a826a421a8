"""What `netwright doctor` says of Ray: whether others are kept out of a cluster."""

from __future__ import annotations

from pathlib import Path

import pytest

from netwright.cli import doctor

MODE = "RAY_AUTH_MODE"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in (MODE, "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(doctor, "version", lambda _: "2.60.0")
    return tmp_path


def found(home: Path) -> tuple[str, str]:
    (finding,) = doctor._ray(home)
    assert finding.subject == "ray token"
    return finding.verdict, finding.detail


def test_a_token_that_is_missing_there_or_used_is_said(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    verdict, detail = found(home)
    assert verdict == "note" and "ray get-auth-token --generate" in detail
    (home / ".ray").mkdir()
    (home / ".ray" / "auth_token").write_text("0" * 32)
    verdict, detail = found(home)
    assert verdict == "note" and "export RAY_AUTH_MODE=token" in detail
    monkeypatch.setenv(MODE, "token")
    assert found(home)[0] == "ok"
    monkeypatch.setenv(MODE, "disabled")
    verdict, detail = found(home)
    assert verdict == "note" and "joined unasked" in detail


def test_a_ray_from_before_tokens_is_a_problem(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "version", lambda _: "2.49.0")
    verdict, detail = found(home)
    assert verdict == "problem" and "ray>=2.52" in detail


def test_nothing_is_said_where_ray_is_not_installed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: str) -> str:
        raise doctor.PackageNotFoundError

    monkeypatch.setattr(doctor, "version", missing)
    assert list(doctor._ray(home)) == []
