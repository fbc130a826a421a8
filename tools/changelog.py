"""`make changelog`: puts the fragments of changelog/ into CHANGELOG.md, as the section of the version to come.

At a release the section gets its date and the fragments go: `python tools/changelog.py --release`.
"""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[1]
START = "<!-- towncrier release notes start -->\n"
UNRELEASED = "unreleased"


def version(root: Path = ROOT) -> str:
    found = re.search(r'__version__ = "(.+)"', (root / "src/netwright/version.py").read_text(encoding="utf-8"))
    assert found is not None
    return found[1]


def rendered(root: Path, date: str) -> str:
    """The section that towncrier makes of the fragments."""
    command = [sys.executable, "-m", "towncrier", "build", "--draft", "--version", version(root), "--date", date]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    return re.sub(r"\n{3,}", "\n\n", done.stdout.strip()) + "\n"


def with_section(text: str, section: str) -> str:
    """The changelog with this section first, in place of an earlier one that was not released."""
    head, start, rest = text.partition(START)
    assert start, f"CHANGELOG.md has no line {START!r}"
    older = re.sub(rf"\A\s*## [^\n]*\({UNRELEASED}\)\n.*?(?=^## |\Z)", "", rest, flags=re.DOTALL | re.MULTILINE)
    return "\n\n".join(each.strip("\n") for each in (f"{head}{start}", section, older) if each.strip()) + "\n"


def main(root: Path, words: list[str]) -> int:
    released = words == ["--release"]
    page = root / "CHANGELOG.md"
    section = rendered(root, datetime.now(UTC).strftime("%Y-%m-%d") if released else UNRELEASED)
    page.write_text(with_section(page.read_text(encoding="utf-8"), section), encoding="utf-8")
    if released:
        for fragment in (root / "changelog").glob("*.md"):
            fragment.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main(ROOT, sys.argv[1:]))
