"""Checkpoints: whole or not there, checked before use, the one before kept."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from netwright.core.checkpoints import Checkpoints


def saved(folder: Path, *steps: int, size: int = 300) -> Checkpoints:
    checkpoints = Checkpoints(folder)
    for step in steps:
        checkpoints.save(step, lambda path, step=step: write(path, step, size), {"step": step})
    return checkpoints


def write(path: Path, step: int, size: int = 300) -> None:
    path.with_suffix(".weights").write_bytes(content(step, size))
    path.with_suffix(".state").write_bytes(content(-step, size))


def content(step: int, size: int = 300) -> bytes:
    return random.Random(step).randbytes(size)


def read(folder: Path) -> tuple[int, bytes, list[str]] | None:
    checkpoints = Checkpoints(folder)
    found = checkpoints.latest()
    if found is None:
        return None
    assert found.facts == {"step": found.step}
    assert found.path.with_suffix(".state").read_bytes() == content(-found.step)
    return found.step, found.path.with_suffix(".weights").read_bytes(), checkpoints.notes


def test_the_newest_is_found_and_the_one_before_is_kept(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    assert Checkpoints(folder).latest() is None and not folder.exists()
    saved(folder, 1, 2, 3)
    assert read(folder) == (3, content(3), [])
    assert Checkpoints(folder).steps() == [2, 3]
    assert sorted(os.listdir(folder)) == [
        f"epoch-00000{n}.{kind}" for n in (2, 3) for kind in ("json", "state", "weights")
    ]
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    found = Checkpoints(folder).latest(highest=2)
    assert found is not None and found.step == 2


DAMAGES = {
    "flip": lambda data: data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 4]) + data[len(data) // 2 + 1 :],
    "cut": lambda data: data[:-9],
    "empty": lambda data: b"",
    "garbage": lambda data: b"[" * 100_000,
}


@pytest.mark.parametrize("kind", ["weights", "state", "json"])
@pytest.mark.parametrize("damage", [*DAMAGES, "missing"])
def test_a_damaged_one_is_passed_over_and_it_says_so(tmp_path: Path, kind: str, damage: str) -> None:
    saved(tmp_path, 1, 2, 3)
    path = tmp_path / f"epoch-000003.{kind}"
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(DAMAGES[damage](path.read_bytes()))
    found = read(tmp_path)
    assert found is not None and found[:2] == (2, content(2))
    assert (kind, damage) == ("json", "missing") or "checkpoint of epoch 3" in found[2][0]
    saved(tmp_path, 3)
    assert read(tmp_path) == (3, content(3), [])


def test_every_flipped_byte_is_found_or_changes_nothing(tmp_path: Path) -> None:
    saved(tmp_path, 1, 2)
    dice = random.Random(0)
    paths, passed_over = sorted(tmp_path.glob("epoch-000002.*")), 0
    for _ in range(200):
        path = dice.choice(paths)
        whole = path.read_bytes()
        damaged = bytearray(whole)
        damaged[dice.randrange(len(whole))] ^= dice.randrange(1, 256)
        path.write_bytes(damaged)
        found = read(tmp_path)
        assert found is not None and found[1] == content(found[0])
        passed_over += found[0] == 1
        assert bool(found[2]) == (found[0] == 1)
        path.write_bytes(whole)
    assert passed_over > 150


def test_with_both_damaged_it_starts_again_and_says_so(tmp_path: Path) -> None:
    checkpoints = saved(tmp_path, 1, 2)
    for path in tmp_path.glob("*.state"):
        path.write_bytes(b"")
    assert len(checkpoints.damages()) == 2
    checkpoints = Checkpoints(tmp_path)
    assert checkpoints.latest() is None
    assert len(checkpoints.notes) == 3 and "it starts again" in checkpoints.notes[-1]
    saved(tmp_path, 1)  # what is done again replaces what is later
    assert read(tmp_path) == (1, content(1), [])
    assert Checkpoints(tmp_path).steps() == [1]


def test_a_file_elsewhere_is_not_read(tmp_path: Path) -> None:
    from netwright.core.checkpoints import digest

    saved(tmp_path / "a", 1)
    path = tmp_path / "a" / "epoch-000001.json"
    manifest = json.loads(path.read_text())
    manifest.pop("manifest_sha256")
    manifest["sha256"] = {"../secret": "0"}
    path.write_text(json.dumps({**manifest, "manifest_sha256": digest(manifest)}))
    assert "none of its own" in Checkpoints(tmp_path / "a").damages()[0]


KILLED = """
import os, random, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from test_checkpoints import saved
print("ready", flush=True)
for step in range(1, 10_000):
    saved(Path(sys.argv[2]), step)
    print(step, flush=True)
"""


def test_killed_at_any_moment_the_last_one_acknowledged_or_a_later_one_is_there(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED, str(Path(__file__).parent), str(tmp_path / "c")]
    dice = random.Random(0)
    for _ in range(3):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None and process.stdout.readline() == "ready\n"
            lines = [process.stdout.readline() for _ in range(dice.randrange(3, 30))]
            process.send_signal(signal.SIGKILL)
            lines += [line for line in process.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
        assert process.returncode == -signal.SIGKILL
        found = read(tmp_path / "c")
        assert found is not None and found[0] >= int(lines[-1]) and found[1] == content(found[0]) and not found[2]
        checkpoints = Checkpoints(tmp_path / "c")
        checkpoints.clean()
        assert not list((tmp_path / "c").glob("*.tmp")) and not checkpoints.damages()
        assert read(tmp_path / "c") == found


def test_a_full_disk_is_the_reason_whatever_the_library_says(small_disk: Path) -> None:
    checkpoints = saved(small_disk, 1, size=300)

    def too_large(path: Path) -> None:
        try:
            path.with_suffix(".weights").write_bytes(b"x" * 10_000_000)
        except OSError:
            raise RuntimeError("unexpected pos 64 vs 0") from None

    with pytest.raises(OSError, match=r"no room left on the disk \(0\.\d MB free\)"):
        checkpoints.save(2, too_large)
    assert read(small_disk) == (1, content(1), [])
    assert not list(small_disk.glob("*.tmp"))
