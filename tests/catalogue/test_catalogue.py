"""Everything public has one home, and is found from there: command line, Python, pages."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from pathlib import Path
from typing import Any

import pytest

import netwright as nw
from netwright import catalogue
from netwright.catalogue import construct, load, making, split
from netwright.catalogue.loading import gives_a_search
from netwright.catalogue.papers import providers
from netwright.catalogue.reading import KINDS, dashed, own_spaces, shipped
from netwright.cli.asked import SearchOptions
from netwright.cli.main import run
from netwright.cli.planning import plan_of_search
from netwright.core.errors import ConfigurationError
from netwright.core.space import Space
from netwright.core.strategy import Strategy
from netwright.methods.departures import departure
from netwright.spaces.cells import OPERATION_SETS

ROOT = Path(__file__).parents[2]
METHODS = ROOT / "src" / "netwright" / "methods"
ROOMS = (nw.spaces, nw.strategies, nw.estimators, nw.predictors, nw.supernets, nw.tasks)
PARTS = {f"{room.__name__}.{name}": getattr(room, name) for room in ROOMS for name in room.__all__}
WORDS = {"BadFiles", "Data", "Examples", "Augmentation", "TaskShape", "Prediction"}  # values, of which nothing is made
USED = {
    alias.name
    for path in METHODS.glob("*.py")
    for node in ast.walk(ast.parse(path.read_text()))
    if isinstance(node, ast.ImportFrom)
    for alias in node.names
}
PAGES = "".join(path.read_text() for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))))


def provided_by(module: str) -> str | None:
    """The module that says which blocks this one provides: itself, or a package that it lies in."""
    said = {each for modules in providers().values() for each in modules}
    while module.count("."):
        if module in said:
            return module
        module = module.rpartition(".")[0]
    return None


@pytest.mark.parametrize("name", [name for name in PARTS if name.rpartition(".")[2] not in WORDS])
def test_every_public_part_provides_a_block(name: str) -> None:
    assert provided_by(PARTS[name].__module__), f"{PARTS[name].__module__} says nothing of what it PROVIDES"


@pytest.mark.parametrize(
    "part", [each for each in PARTS.values() if inspect.isclass(each) and issubclass(each, Space | Strategy)]
)
def test_every_space_and_strategy_has_a_name_or_is_what_a_method_is_made_of(part: type[Space | Strategy]) -> None:
    kind = "space" if issubclass(part, Space) else "strategy"
    needed = [each for each in inspect.signature(part).parameters.values() if each.default is each.empty]
    needed = [each for each in needed if each.name != "space" and each.kind is each.POSITIONAL_OR_KEYWORD]
    named = f"{part.__module__}:{part.__name__}" in shipped(kind).values()
    assert named or needed or inspect.isabstract(part) or part.__name__ in USED, f"say how {part.__name__} is `called`"


@pytest.mark.parametrize("kind", KINDS)
def test_every_name_leads_to_what_it_stands_for(kind: Any) -> None:
    assert shipped(kind)
    for name, place in shipped(kind).items():
        module, _, attribute = place.partition(":")
        found, there = catalogue.load(kind, name), getattr(importlib.import_module(module), attribute)
        assert found is there or inspect.unwrap(found) is inspect.unwrap(there), name


@pytest.mark.parametrize("name", sorted(shipped("method")))
def test_a_method_is_of_one_sort_and_public(name: str) -> None:
    function = getattr(nw.methods, name.replace("-", "_"))
    assert dashed(function.__name__) == name and (inspect.getdoc(function) or "").partition("\n")[0].endswith(
        (".", ":")
    )
    search = gives_a_search(function)
    assert search == (name in shipped("search")) != (name in shipped("strategy"))
    returned = inspect.signature(function).return_annotation
    beside = vars(importlib.import_module(function.__module__))
    assert returned == "Search" if search else issubclass(beside[returned], Strategy)


def test_the_methods_of_python_are_those_of_the_command_line() -> None:
    assert dir(nw.methods) == sorted(each.replace("-", "_") for each in shipped("method"))
    with pytest.raises(AttributeError, match="no attribute 'bannanas'"):
        nw.methods.bannanas  # noqa: B018
    with pytest.warns(DeprecationWarning, match=r"netwright\.recipes\.darts is netwright\.methods\.darts now"):
        assert nw.recipes.darts is nw.methods.darts
    with pytest.warns(DeprecationWarning, match=r"netwright\.strategies\.nao is netwright\.methods\.nao now"):
        assert nw.strategies.nao is nw.methods.nao  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize("kind", ["space", "strategy", "search"])
def test_help_and_pages_name_everything(kind: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["search", "--help"]) == 0
    said = set(re.findall(r"[\w-]+", capsys.readouterr().out))
    written = set(re.findall(r"`([\w-]+)[`:]", PAGES))
    assert set(shipped(kind)) <= said
    assert set(shipped(kind)) <= written


FILE = "methods_of_a_user.py"
OWN = (
    "import netwright as nw\n"
    "def plain(space, uniform_over='decisions'): return nw.strategies.RandomSearch(space, uniform_over)\n"
    "def shared(space, task, *, epochs=1, seed=0, device='auto', **settings):\n"
    "    return nw.methods.gdas(space, task, epochs=epochs, seed=seed, device=device, **settings)\n"
    "def wrong(space, task, *, epochs=1, seed=0, device='auto'): return 7\n"
    "value = 3\n"
)
SMALL = ["--examples", "80", "--space", "nasbench201:channels=2,cells=1", "--trials", "1", "--epochs", "1"]
SMALL += ["--final-epochs", "0", "--no-random-search", "--device", "cpu", "--quiet"]


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / FILE).write_text(OWN)
    return FILE


@pytest.mark.parametrize(
    "method", ["random", "methods_of_a_user.py:plain", "methods_of_a_user.py:shared:batch_size=16"]
)
def test_a_method_of_either_sort_runs_and_goes_on(own: str, method: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["search", "digits", *SMALL, "--method", method, "--name", "r"]) == 0
    assert run(["resume", "r", "--trials", "2", "--quiet"]) == 0, capsys.readouterr().err
    assert run(["show", "r"]) == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--method", "darst"), "no method 'darst'; did you mean 'darts'"),
        (("--method", "randm"), "did you mean 'random'"),
        (("--method", "darts", "--strategy", "random"), "leave out --strategy random"),
        (("--strategy", "darts"), "no strategy 'darts': it is a whole search on shared weights"),
        (("--recipe", "bananas"), "no recipe 'bananas': it is a strategy"),
        (("--method", "methods_of_a_user.py:wrong"), "'wrong' made a int; expected a search"),
        (("--method", "methods_of_a_user.py:palin"), "no function 'palin'"),
        (("--method", "methods_of_a_user.py:value"), "no function 'value'"),
        (("--method", "nothing.py:plain"), "there is no file nothing.py"),
        (("--method", "bananas:netwroks=3"), "did you mean 'networks'"),
    ],
)
def test_what_is_no_method_is_refused(
    own: str, words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["search", "digits", *SMALL, *words]) == 2
    told = capsys.readouterr().err
    assert said in told and len(told.splitlines()) <= 3


def test_the_code_of_a_method_is_asked_about_where_nobody_named_it(own: str, tmp_path: Path, monkeypatch: Any) -> None:
    assert run(["search", "digits", *SMALL, "--method", f"{own}:shared", "--name", "r"]) == 0
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "other"))
    assert run(["resume", "r", "--trials", "2", "--quiet"]) == 2


def test_comparisons_take_methods_that_give_a_strategy(own: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("table.csv").write_text("arch,valid\n")
    words = ["compare", "--space", "nasbench201", "--table", "table.csv", "--metric", "valid", "--evaluations", "2"]
    assert run([*words, "--method", "darts"]) != 0
    with pytest.raises(ConfigurationError, match="whole search"):
        catalogue.strategy("darts", nw.spaces.NasBench201())
    assert repr(catalogue.strategy("random", nw.spaces.NasBench201()))


def test_a_method_may_have_a_space_of_its_own():
    found = own_spaces()
    assert found["amoebanet"].startswith("nasnet:") and set(found) <= set(shipped("method"))
    for text in found.values():
        name, options = split(text)
        construct(load("space", name), options=options)


def test_the_space_of_a_method_is_searched_where_no_other_is_named():
    task = nw.tasks.open_task("digits", limit=60)
    own = plan_of_search(SearchOptions(data="digits", method="amoebanet:population=8"))
    found = own.make_space(task)
    assert isinstance(found, nw.spaces.NasNet) and found.operations == OPERATION_SETS["amoebanet"]
    assert own.strategy == "amoebanet:population=8"
    other = plan_of_search(SearchOptions(data="digits", method="amoebanet", space="chain"))
    assert isinstance(other.make_space(task), nw.spaces.Chain)


def test_a_small_budget_makes_the_numbers_of_a_paper_smaller():
    assert making.fitted("amoebanet", 40) == "amoebanet:population=10,sample=2"
    assert making.fitted("amoebanet:sample=3", 40) == "amoebanet:population=10,sample=3"
    assert making.fitted("amoebanet", 20_000) == "amoebanet"
    assert "population of 10 in place of 100" in departure("amoebanet:population=10,sample=2")
    assert "in place" not in departure("amoebanet")


@pytest.mark.parametrize("method", ["amoebanet", "cgp-cnn", "genetic-cnn", "hierarchical", "large-scale-evolution"])
def test_methods_of_evolution_search_the_space_of_their_paper(method):
    assert method in own_spaces()
    assert making.fitted(method, 8) != method or method == "cgp-cnn"
