"""What the README, the guides and the examples say is run, and what they name exists."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer.main

from netwright.cli.app import app
from prepared import Prepared

ROOT = Path(__file__).parents[1]
BESIDE = [ROOT / name for name in ("CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "benchmarks/RESULTS.md")]
PAGES = [ROOT / "README.md", *BESIDE, *sorted((ROOT / "docs").rglob("*.md"))]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
COMMANDS: Any = typer.main.get_command(app)


def blocks(page: Path, language: str) -> list[str]:
    fenced = re.findall(r"^```(\w*)\n(.*?)^```", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    return [block for said, block in fenced if said == language]


def named(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


def smaller(text: str) -> str:
    """A script with fewer digits and a shorter search than it shows; else it is as it stands on the page."""
    return text.replace("tasks.digits()", "tasks.digits(limit=300)").replace('"8s"', '"5s"')


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python")], ids=lambda page: page.name)
def test_the_python_of_a_page_runs_from_top_to_bottom(page: Path, scripts: Prepared, tmp_path: Path) -> None:
    script = tmp_path / "page.py"
    script.write_text(smaller("\n\n".join(blocks(page, "python"))))
    done = scripts.run(script, folder=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_an_example_is_short_and_runs(example: Path, scripts: Prepared, tmp_path: Path) -> None:
    assert len(example.read_text().splitlines()) < 40
    script = tmp_path / example.name
    script.write_text(smaller(example.read_text()))
    done = scripts.run(script, folder=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip(), "an example shows something"


def commands(page: Path) -> list[list[str]]:
    """The commands that a page shows in blocks of their own."""
    shown = [block for language in ("console", "bash", "") for block in blocks(page, language)]
    return in_words([line for block in shown for line in typed(block)])


def typed(block: str) -> list[str]:
    """The lines of a block that are typed: all, or those behind a `$` where it shows what is printed as well."""
    lines = block.splitlines()
    prompted = [line for line in lines if line.startswith("$ ")]
    return prompted or lines


def mentioned(page: Path) -> list[list[str]]:
    """Those that it speaks of within a line, of which a part may be left out."""
    return in_words(re.findall(r"`(netwright [^`]+)`", page.read_text()))


def in_words(lines: list[str]) -> list[list[str]]:
    called = [line.removeprefix("$ ").split("  #")[0] for line in lines]
    return [shlex.split(line, comments=True)[1:] for line in called if line.startswith("netwright ")]


def filled(words: list[str]) -> list[str]:
    """With a value for what stands for one: N, and `...` behind an option; `...` elsewhere stands for more of them."""
    pairs = zip(words, ["", *words], strict=False)
    named = ["x" if word == "..." and before.startswith("--") else word for word, before in pairs]
    return ["1" if word == "N" else word for word in named if word != "..."]


@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)], ids=lambda page: page.name)
def test_the_command_line_understands_the_commands_of_a_page(page: Path) -> None:
    for words in commands(page):
        assert refusal(filled(words)) == "", words


@pytest.mark.parametrize("page", [page for page in PAGES if mentioned(page)], ids=lambda page: page.name)
def test_the_commands_that_a_page_mentions_exist_with_their_options(page: Path) -> None:
    for words in mentioned(page):
        command, rest = command_of(words)
        assert not hasattr(command, "commands") or all(each.startswith("-") for each in rest), words
        known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        assert {word.split("=")[0] for word in rest if word.startswith("--")} <= known | {"--help"}, words


def command_of(words: list[str]) -> tuple[Any, list[str]]:
    """The command that the words name, and the words behind it."""
    command = COMMANDS
    while words and hasattr(command, "commands") and words[0] in command.commands:
        command, words = command.commands[words[0]], words[1:]
    return command, words


def refusal(words: list[str]) -> str:
    """What the command line's parser says against these words; it runs nothing."""
    command, words = command_of(words)
    if hasattr(command, "commands"):
        return "" if all(word.startswith("-") for word in words) else f"no such command: {words[0]}"
    try:
        command.make_context("netwright", [*words], resilient_parsing="--help" in words)
    except Exception as problem:  # of typer's own copy of click, or of click's
        return str(problem) or type(problem).__name__
    return ""


def test_a_command_that_does_not_exist_is_refused() -> None:
    assert refusal(["search", "digits", "--trials", "3"]) == "" and refusal(["db", "check"]) == ""
    assert "--trails" in refusal(["search", "digits", "--trails", "3"])
    assert refusal(["search", "digits", "--trials", "many"]) and refusal(["search"]) and refusal(["serach", "digits"])
    assert refusal(["show", "RUN", "more"]) and refusal(["db", "chek"])


@pytest.mark.parametrize("page", PAGES, ids=named(PAGES))
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    for target, anchor in re.findall(r"\]\(([^)#:]*)(?:#([^)]*))?\)", page.read_text()):
        there = page.parent / target if target else page
        assert there.exists(), target
        assert not anchor or anchor in anchors(there), f"{target}#{anchor}"


def anchors(page: Path) -> set[str]:
    """What a link may name behind `#`: each heading in lower case, blanks as hyphens, without signs."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", each.lower()).strip().replace(" ", "-") for each in headings}


@pytest.mark.parametrize("page", PAGES, ids=named(PAGES))
def test_the_files_that_a_page_names_exist(page: Path) -> None:
    folders = "benchmarks|constraints|docs|examples|src|tests|tools|changelog"
    for target in re.findall(rf"`(?:python )?((?:{folders})/[\w./-]+)[` ]", page.read_text()):
        assert (ROOT / target).exists(), target
