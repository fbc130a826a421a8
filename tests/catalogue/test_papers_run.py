"""Every command that `netwright papers` shows runs, in its smallest form: a few digits or a small table, two trials."""

from __future__ import annotations

import csv
import json
import shlex
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import netwright as nw
from netwright.catalogue.papers import commands
from netwright.cli.main import run
from netwright.engine.preflight import check
from netwright.results import exportable
from netwright.spaces import NasBench101, NasBench201
from netwright.store import Store

CELL = "nasbench201:channels=2,cells=1"
SMALL_SPACES = {
    "nasnet": "nasnet:cells=3,channels=2,nodes=2,operations=['skip_connect','avg_pool_3x3']",
    "free-graph": "free-graph:most=3",
    "nasbench101": "nasbench101:channels=8,stacks=1,modules=1",
}
NEEDS_EDGES = {
    "amoebanet": "nasnet:cells=3,channels=2,nodes=2,operations=['skip_connect','avg_pool_3x3']",
    "cgp-cnn": "cgp-grid:rows=2,columns=3,level_back=2,widths=(2,4),kernels=(3,)",
    "hierarchical": "hierarchical:motifs=2,nodes=(2,3),channels=2",
    "large-scale-evolution": "large-scale:most=4",
    "randwire": "randwire:nodes=5,stages=2,channels=2,edges=2,final=4",
    "blockqnn": "blockqnn:most=2,channels=2,repeats=1,stages=1",
    "irlas": "blockqnn:most=2,channels=2,repeats=1,stages=1",
    "i-darts": "recurrent:nodes=2,channels=4",
    "performance-prediction": "metaqnn:layers=2,filters=(2,4),dense=(4,)",
    "metaqnn": "metaqnn:layers=2,filters=(2,4),dense=(4,)",
    "nas-rl": "skip-chain:least=1,most=2,filters=(2,4)",
    "enas": "nasnet:cells=3,channels=2,nodes=2,operations=['skip_connect','sep_conv_3x3'],projected=true",
    "enas-macro": "enas-macro:layers=3,channels=2",
    "miller": "connections:hidden=2",
    "autoshrink": "genetic-cnn:nodes=(3,),widths=(2,),kernel=3",
    "mobilenetv3:target=300k": "chain:width=4",
    "partial-order-pruning": "chain:width=4",
    "rcnet": "chain:width=4",
    "atomnas": "mobile:form=atomnas,width=0.1,last=8",
    "dna": "mobile:width=0.1,last=8,resolutions=(1.0,),kernels=(3,),expansions=(2,3)",
    "fpnas": "mobile:width=0.1,last=8,resolutions=(1.0,),kernels=(3,),expansions=(2,3)",
    "densenas": "dense-nas:width=0.1,layers=0,last=8",
    "aows": "chain:width=4",
    "tas:target=300k": "chain:width=4",
    "nsganetv2": "chain:width=4",
    "iot-narrow": "chain:width=4",
    "sparse": "chain:width=4",
    "genetic-cnn": "genetic-cnn:nodes=(2,2),widths=(2,2),kernel=3",
    "nsga-net": "nsga-net:nodes=(2,2),widths=(2,2)",
    "pc-darts": "darts:cells=3,channels=4,nodes=1",
    "nas-unet": "unet-cells:channels=2,depth=1,nodes=1",
}
FEW = {  # options with which a method does in two trials what it is about
    "auto-keras": "initial=1,batch=1",
    "genetic-cnn": "population=2",
    "miller": "population=2",
    "nsga-net": "population=2,explored=1",
    "large-scale-evolution": "population=1",
    "hierarchical": "population=1,mutations=5",
    "dna": "paths=3,batches=1",
    "fpnas": "sweeps=1,population=2,generations=1,batches=1",
    "enas": "steps=1,samples=2,candidates=2",
    "enas-macro": "steps=1,samples=2,candidates=2",
    "gp-nas": "initial=1,batch=1,candidates=5",
    "ghn": "evaluations=2",
    "harmonica": "samples=2,stages=1",
    "hypernetworks": "evaluations=2",
    "lcranknet": "least=2",
    "mnasnet": "batch=1,steps=1",
    "mobilenetv3:target=300k": "trials=1,batch=1,target=1k,child_share=0.5",
    "angle-nas": "samples=1,population=2,generations=1",
    "greedynas": "sampled=2,kept=1,population=2,generations=1",
    "pc-nas": "pool=1,completions=1",
    "performance-prediction": "least=5",
    "pgnas": "candidates=2",
    "tas:target=300k": "target=3k",
    "nsganetv2": "initial=2,rounds=1,batch=1",
    "sparse": "initial=1",
    "memnas": "initial=2,batch=1,candidates=2",
    "nao": "quick=true,initial=1,new=1,epochs=1,hidden=4,embedding=4",
    "nas-rl": "batch=1",
    "nasbot": "initial=1,batch=1,candidates=5",
    "nasnet": "batch=1,steps=2",
    "one-shot": "evaluations=2",
    "pnas": "beam=2",
    "ppp-net": "beam=2",
    "lemonade": "population=1,proposed=3,accepted=1",
    "predictor": "initial=2,batch=1,candidates=5,epochs=1",
    "random-weight-sharing": "candidates=2,batches=1,best=1",
    "amoebanet": "population=2,sample=1",
    "smash": "evaluations=2",
    "semi-assessor": "initial=2,batch=1,candidates=5,unlabelled=10",
}
SEARCH = ["--examples", "80", "--trials", "2", "--epochs", "1", "--final-epochs", "0", "--training", "batch_size=16"]
SEARCH += ["--no-random-search", "--device", "cpu", "--name", "small", "--quiet"]
COMPARE = ["--repeats", "1", "--executor", "inline", "--no-plots", "--quiet"]
AUDIT = ["--networks", "2", "--epochs", "1", "--quiet"]
ROWS = 12


@pytest.fixture(scope="module", autouse=True)
def _few_networks_before_a_search() -> Iterator[None]:
    """What is counted and tried for export before each search takes a tenth of what it takes for a user."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(check, "SAMPLES", check.SAMPLES // 10)
        patch.setattr(exportable, "TIME", exportable.TIME / 10)
        yield


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path


def smallest(command: str) -> list[str]:
    """The words of a command behind `netwright`, with little for everything that takes long."""
    program, name, *words = shlex.split(command)
    assert program == "netwright"
    method = words[words.index("--method") + 1] if "--method" in words else ""
    small = {
        "DATA": "digits",
        "MASKS": "masks-of-squares",
        "TEXT": "letters.txt",
        "TABLE": "table.csv:surrogate=linear",
        "METRIC": "valid",
        "RUN": "shared",
        "300": "3",
        "8": "2",
    }
    small |= {method: f"{method.partition(':')[0]}:{FEW[method]}"} if method in FEW else {}
    spaces = SMALL_SPACES if name == "search" else {}
    words = [
        (spaces if before == "--space" else small).get(each, each)
        for before, each in zip(["", *words], words, strict=False)
    ]
    words += ["--space", NEEDS_EDGES.get(method, CELL)] if name == "search" and "--space" not in words else []
    search = [*SEARCH[:1], "3500", "--window", "16", *SEARCH[2:]] if "letters.txt" in words else SEARCH  # characters
    return [name, *words, *{"search": search, "compare": COMPARE, "audit": AUDIT}[name]]


def write_masks() -> None:
    """A few images of squares, and where these are."""
    for i in range(20):
        square = np.zeros((16, 16), dtype=np.uint8)
        square[i % 8 : i % 8 + 6, 4:10] = 255
        for folder in ("images", "masks"):
            Path("masks-of-squares", folder).mkdir(parents=True, exist_ok=True)
            Image.fromarray(square).save(Path("masks-of-squares", folder, f"{i}.png"))


def write_table(space: nw.Space) -> None:
    """A few architectures of the space with scores, as table.csv."""
    rng = np.random.default_rng(0)
    drawn = {str(space.sample(rng)): None for _ in range(ROWS)}
    with Path("table.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("arch", "valid"), *((each, k / ROWS) for k, each in enumerate(drawn))])


LONG = {  # three seconds and more
    *("alphax", "deep_architect2", "eval_nas", "i_darts", "nao", "nasbench1shot1", "pnas"),
    *("regularized_evolution", "understanding_cells"),
}


@pytest.mark.parametrize(
    "key", [pytest.param(each, marks=[pytest.mark.slow] if each in LONG else []) for each in sorted(commands())]
)
def test_the_command_of_a_paper_runs(key: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = smallest(commands()[key][0])
    if "masks-of-squares" in words:
        write_masks()
    if "letters.txt" in words:
        Path("letters.txt").write_text("the same words again and again " * 130)
    if words[0] == "compare":
        write_table({"nasbench101": NasBench101, "nasbench201": NasBench201}[words[words.index("--space") + 1]]())
    if words[0] == "audit":
        begun = ["search", "digits", "--method", "darts", "--space", CELL, *SEARCH]
        assert run([each if each != "small" else "shared" for each in begun]) == 0
    assert run(words) == 0, capsys.readouterr().err
    if words[0] == "search":
        with Store.open_readonly(folder / "netwright-runs") as store:
            assert store.summary("small").state == "finished"


def test_enough_papers_run() -> None:
    assert len(commands()) >= 34


def test_a_command_that_fails_is_seen(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(smallest("netwright search DATA --method no-such-method")) == 2
    assert "no method 'no-such-method'" in capsys.readouterr().err


def test_the_json_has_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["papers", "--json"]) == 0
    found = {each["key"]: each["command"] for each in json.loads(capsys.readouterr().out)}
    assert {key: command for key, command in found.items() if command} == {
        key: command for key, (command, _) in commands().items()
    }
