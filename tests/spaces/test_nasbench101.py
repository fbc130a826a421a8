"""Facts of NAS-Bench-101 (Ying et al. 2019): its cells, hashes, and networks of 128 channels on 32x32 colour images."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
import torch

import netwright as nw
from netwright.core.errors import ConfigurationError, DataError, InvalidArchitecture, OutsideSpace, UserError
from netwright.core.restricted import RestrictedTable
from netwright.core.task import TaskShape
from netwright.spaces import NasBench101
from netwright.spaces.graph_cells import LabelledGraph, canonical, module_hash, pruned
from netwright.spaces.vertex_cells import OPERATIONS, CellSize

COLOUR = TaskShape((3, 32, 32), 10)
SPACE = NasBench101()
EDGES = CellSize().pairs
DATA = Path(__file__).parents[3] / "shared" / "data" / "nasbench101"
C3, C1, MP = OPERATIONS


def matrix(text):
    """Rows of digits as a matrix."""
    return [[int(digit) for digit in row] for row in text.split()]


RECORDS = [  # matrix, operations, the benchmark's hash and number of trainable parameters
    (
        matrix("0101000 0011100 0001000 0000001 0000010 0000001 0000000"),
        ["input", C3, C1, C1, C3, C1, "output"],
        "ff92c322c5d9d3d587d9c146a63d0807",
        6315018,
    ),
    (
        matrix("0100001 0010010 0001010 0000100 0000010 0000001 0000000"),
        ["input", MP, MP, MP, C3, C1, "output"],
        "ff92d98b0ef588152b657bd10d624946",
        12088970,
    ),
]


def built(space, architecture, shape=COLOUR):
    with torch.device("meta"):
        return space.build(architecture, shape)


def parameters(network):
    return sum(each.numel() for each in network.parameters())


@pytest.mark.parametrize(("rows", "operations", "name", "size"), RECORDS)
def test_hash_and_parameters_of_the_benchmark(rows, operations, name, size):
    architecture = SPACE.from_matrix(rows, operations)
    assert SPACE.module_hash(architecture) == name
    assert parameters(built(SPACE, architecture)) == size


@pytest.mark.skipif(not DATA.exists(), reason="the extracts of NAS-Bench-101 are not here")
def test_all_records_at_hand():
    records = json.loads((DATA / "nb101_30_full_records.json").read_text())
    for number, (name, (fixed, _)) in enumerate(records.items()):
        architecture = SPACE.from_matrix(fixed["module_adjacency"], fixed["module_operations"])
        assert SPACE.module_hash(architecture) == SPACE.module_hash(SPACE.canonical(architecture)) == name
        if number % 3 == 0:
            assert parameters(built(SPACE, architecture)) == fixed["trainable_parameters"]


def test_there_are_as_many_as_brute_force_counts_for_a_sample_of_matrices():
    """The table of all 2^21 matrices against paths found by trying every walk."""
    rng = np.random.default_rng(0)
    mask = SPACE.restriction().allowed()
    for number in rng.integers(0, 1 << 21, 300).tolist():
        bits = [number >> (20 - i) & 1 for i in range(21)]
        edges = [edge for edge, there in zip(EDGES, bits, strict=True) if there]
        walks = [
            list(itertools.pairwise((0, *middle, 6)))
            for k in range(6)
            for middle in itertools.combinations(range(1, 6), k)
            if all(step in edges for step in itertools.pairwise((0, *middle, 6)))
        ]
        used = {step for walk in walks for step in walk}
        assert mask[number] == (0 < len(used) <= 9)
        assert bool(SPACE.restriction().reason(bits)) == (not mask[number])
    assert SPACE.size == int(mask.sum()) * 3**5 == 373_754_169


def permuted(graph, order):
    """The graph with inner vertex i renamed to order[i - 1]."""
    new = {0: 0, graph.vertices - 1: graph.vertices - 1, **dict(enumerate(order, start=1))}
    labels = dict(zip(order, graph.labels, strict=True))
    edges = [(new[a], new[b]) for a, b in graph.edges]
    if any(a >= b for a, b in edges):
        return None
    return LabelledGraph(frozenset(edges), tuple(labels[i] for i in range(1, graph.vertices - 1)))


def test_isomorphic_cells_have_one_canonical_form_and_others_another():
    rng = np.random.default_rng(1)
    by_hash, by_form = {}, {}
    for _ in range(150):
        cell = SPACE.cell(SPACE.sample(rng))
        forms = {
            canonical(other)
            for order in itertools.permutations(range(1, cell.vertices - 1))
            if (other := permuted(cell, order)) is not None
        }
        assert len(forms) == 1
        form = forms.pop()
        by_hash.setdefault(module_hash(cell), set()).add(form)
        by_form.setdefault(form, set()).add(module_hash(cell))
    assert all(len(each) == 1 for each in (*by_hash.values(), *by_form.values()))


def test_there_are_as_many_small_cells_as_distinct_hashes():
    """All cells of up to five vertices: distinct canonical forms are distinct hashes (Ying et al. 2019, section 2)."""
    forms, hashes = set(), set()
    for vertices in (2, 3, 4, 5):
        pairs = list(itertools.combinations(range(vertices), 2))
        for bits in range(1 << len(pairs)):
            edges = frozenset(pair for i, pair in enumerate(pairs) if bits >> i & 1)
            whole = pruned(LabelledGraph(edges, (0,) * (vertices - 2)))
            if whole is None or whole.vertices < vertices or len(edges) > 9:
                continue
            for labels in itertools.product(range(3), repeat=vertices - 2):
                graph = LabelledGraph(edges, labels)
                forms.add(canonical(graph))
                if vertices < 5:
                    hashes.add(module_hash(graph))
    assert len(forms) == 1 + 6 + 84 + 2441 and len(hashes) == 1 + 6 + 84


def test_what_is_not_on_a_path_has_no_effect():
    first = SPACE.parse(f"100000000010000000000 {C3} {C3} {C3} {C3} {C3}")
    other = SPACE.parse(f"100000000010100000000 {C3} {MP} {C1} {MP} {C1}")
    assert first != other
    assert SPACE.canonical(first) == SPACE.canonical(other)
    assert parameters(built(SPACE, first)) == parameters(built(SPACE, other))
    assert [node.name for node in SPACE.graph(other).nodes] == ["input", "vertex1", "output"]


def test_the_forms_of_text():
    rows, operations, _, _ = RECORDS[0]
    architecture = SPACE.from_matrix(rows, operations)
    assert str(architecture) == f"101000111001000001101 {C3} {C1} {C1} {C3} {C1}"
    record = json.dumps({"module_adjacency": rows, "module_operations": operations})
    assert SPACE.parse(record) == SPACE.parse(str(architecture)) == SPACE.parse(architecture.to_json()) == architecture
    small = SPACE.from_matrix([[0, 1, 1], [0, 0, 1], [0, 0, 0]], ["input", MP, "output"])
    assert SPACE.cell(small) == LabelledGraph(frozenset({(0, 1), (0, 2), (1, 2)}), (2,))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"000000 {C3}", "21 digits"),
        (f"111111111111111111111 {C3} {C3} {C3} {C3} {C3}", "21 edges lie on paths"),
        (f"000000000000000000000 {C3} {C3} {C3} {C3} {C3}", "no path leads"),
        (f"000001000000000000000 {C3} {C3} {C3} {C3} conv3x3", "did you mean"),
    ],
)
def test_what_is_no_cell_is_refused(text, said):
    with pytest.raises(InvalidArchitecture, match=said):
        SPACE.parse(text)


@pytest.mark.parametrize(
    ("rows", "operations", "said"),
    [
        ([[0, 1], [1, 0]], ["input", "output"], "upper triangular"),
        ([[0, 1], [0]], ["input", "output"], "square"),
        ([[0, 2], [0, 0]], ["input", "output"], "0 and 1"),
        ([[0, 1], [0, 0]], ["input"], "1 operations"),
        ([[0, 0], [0, 0]], ["input", "output"], "no path"),
    ],
)
def test_what_is_no_matrix_is_refused(rows, operations, said):
    with pytest.raises(InvalidArchitecture, match=said):
        SPACE.from_matrix(rows, operations)
    with pytest.raises(InvalidArchitecture):
        SPACE.decisions.check((0,) * 26)


def test_a_vertex_adds_what_it_reads_and_the_output_puts_side_by_side():
    """A cell in which every kind of joint occurs, computed by hand from the modules of its network."""
    torch.manual_seed(0)
    space = NasBench101(channels=5, stacks=1, modules=1)
    rows = matrix("01101 00110 00001 00001 00000")
    network = space.build(space.from_matrix(rows, ["input", C1, C3, MP, "output"]), TaskShape((3, 8, 8), 4)).eval()
    stem, cell, _ = network
    assert cell.channels == (3, 3, 2)  # 5 shared out as 3 and 2 before the output; the first vertex feeds both
    x = stem(torch.randn(2, 3, 8, 8))
    one = cell.inner[0](cell.projections["0"](x))
    two = cell.inner[1](one + cell.projections["1"](x))
    three = cell.inner[2](one[:, :2])
    torch.testing.assert_close(cell(x), torch.cat([two, three], 1) + cell.projections["3"](x))


def test_drawing_and_changing_stay_inside():
    rng = np.random.default_rng(0)
    assert isinstance(SPACE.decisions, RestrictedTable)
    for _ in range(100):
        first, second = SPACE.sample(rng), SPACE.sample(rng, uniform_over="architectures")
        for each in (first, second, SPACE.mutate(first, rng), SPACE.crossover(first, second, rng)):
            SPACE.validate(each)
        wanted = [int(each) if each < 2 else -1 for each in rng.integers(0, 4, 26)]
        SPACE.decisions.check(SPACE.decisions.complete(wanted, rng))


def test_a_restricted_table_numbers_every_allowed_point():
    first = list(itertools.islice(SPACE.enumerate(), 500))
    assert first == [SPACE.at(i) for i in range(500)]
    assert len(set(first)) == 500
    with pytest.raises(UserError, match="373754169"):
        SPACE.at(SPACE.size)
    assert str(SPACE.at(SPACE.size - 1)).split()[1:] == [MP] * 5


def test_settings_are_checked():
    with pytest.raises(ConfigurationError, match="channels of at least 5, found 4"):
        NasBench101(channels=4)


# Cells of other sizes.


@pytest.mark.parametrize(("vertices", "edges", "cells"), [(2, 9, 1), (3, 9, 7), (4, 9, 91), (5, 9, 2532), (4, 3, None)])
def test_a_smaller_space_holds_exactly_the_cells_of_that_size(vertices, edges, cells):
    """Cells of at most 2, 3, 4 and 5 vertices as counted above; with fewer edges those that keep to them."""
    space = NasBench101(vertices=vertices, edges=edges)
    every = list(space.enumerate())
    assert len(every) == space.size == len(set(every))
    forms = {space.canonical(each) for each in every}
    assert cells is None or len(forms) == cells
    for each in every[:: max(1, len(every) // 100)]:
        cell = space.cell(each)
        assert cell.vertices <= vertices and len(cell.edges) <= edges
        whole = SPACE.parse(str(each))
        assert SPACE.module_hash(whole) == space.module_hash(each)
        assert space.parse(str(whole)) in {each, space.canonical(each)} or space.cell(space.parse(str(whole))) == cell
    nw.testing.check_space(space.replace(channels=5, stacks=1, modules=1), shape=TaskShape((1, 8, 8), 3))


def test_networks_of_a_smaller_space_are_those_of_the_benchmark():
    small = NasBench101(vertices=5)
    rng = np.random.default_rng(0)
    for _ in range(5):
        architecture = small.sample(rng)
        assert parameters(built(small, architecture)) == parameters(built(SPACE, SPACE.parse(str(architecture))))


def test_cells_that_are_too_large_for_a_space_are_refused_with_both_sizes():
    rows, operations, _, _ = RECORDS[0]
    for space in (NasBench101(vertices=5), NasBench101(edges=4)):
        with pytest.raises(OutsideSpace, match=r"7 vertices and 9 edges.*at most"):
            space.from_matrix(rows, operations)
        with pytest.raises(OutsideSpace, match=r"7 vertices and 9 edges.*at most"):
            space.parse(str(SPACE.from_matrix(rows, operations)))
    full = [[int(b > a) for b in range(6)] for a in range(6)]
    with pytest.raises(InvalidArchitecture, match="15 edges") as refused:
        NasBench101(vertices=5).from_matrix(full, ["input", C1, C1, C1, C1, "output"])
    assert not isinstance(refused.value, OutsideSpace)  # it is no cell of the benchmark either


def test_spaces_of_other_sizes_are_other_spaces():
    ids = [NasBench101(vertices=v, edges=e).id for v, e in ((7, 9), (6, 9), (5, 9), (5, 7), (7, 8))]
    assert len(set(ids)) == 5 and NasBench101(vertices=4, edges=9).id == NasBench101(vertices=4, edges=6).id
    assert SPACE.id == NasBench101(channels=16).id


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"vertices": 8}, "vertices from 2 to 7, found 8"),
        ({"vertices": 1}, "vertices from 2 to 7, found 1"),
        ({"edges": 0}, "edges from 1 to 21"),
        ({"vertices": 5, "edges": 11}, "edges from 1 to 10, as many as 5 vertices can have, found 11"),
        ({"vertices": 5, "channels": 2}, "channels of at least 3, found 2"),
    ],
)
def test_sizes_that_cannot_be_are_refused(arguments, said):
    with pytest.raises(ConfigurationError, match=said):
        NasBench101(**arguments)


def test_a_smaller_space_takes_its_rows_from_a_table_for_the_whole():
    small, rng = NasBench101(vertices=5), np.random.default_rng(2)
    inside = list(dict.fromkeys(small.canonical(small.sample(rng)) for _ in range(20)))
    outside = [each for each in (SPACE.sample(rng) for _ in range(20)) if SPACE.cell(each).vertices > 5]
    texts = [*(str(SPACE.parse(str(each))) for each in inside), *map(str, outside)]
    table = nw.estimators.Table(small, {"arch": texts, "accuracy": [float(k) for k in range(len(texts))]})
    assert table.report.rows == len(inside) and table.report.outside == len(outside) > 0
    assert f"{len(outside)} rows left out for architectures outside of {small.id}" in str(table.report)
    for value, each in enumerate(inside):
        assert table.estimate(nw.Proposal(each), seed=0).metrics["accuracy"] == value
    with pytest.raises(DataError, match=f"all of its {len(outside)} rows are about architectures outside"):
        nw.estimators.Table(small, {"arch": [*map(str, outside)], "accuracy": [1.0] * len(outside)})


@pytest.mark.skipif(not DATA.exists(), reason="the extracts of NAS-Bench-101 are not here")
def test_a_smaller_space_reads_the_published_file():
    small = nw.benchmarks.nasbench101(DATA / "nb101_30_full_records.json", space=NasBench101(vertices=6))
    whole = nw.benchmarks.nasbench101(DATA / "nb101_30_full_records.json")
    fitting = [each for each in whole.architectures if SPACE.cell(each).vertices <= 6]
    assert 0 < len(small.architectures) == len(fitting) < 30
    for each in small.architectures:
        assert small.estimate(nw.Proposal(each), 0) == whole.estimate(nw.Proposal(SPACE.parse(str(each))), 0)
