"""The readers of published tables, on small files written here byte by byte."""

import base64
import json
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from netwright import benchmarks
from netwright.benchmarks.readers import nasbench101 as reader101
from netwright.benchmarks.readers.tfrecord import crc32c, masked, records
from netwright.core.errors import ConfigurationError, DataError, UserError
from netwright.core.trial import Proposal
from netwright.spaces import NasBench101, NasBench201, NasBenchMacro

DATA = Path(__file__).parents[3] / "shared" / "data"


def test_checksums_are_those_of_the_standard():
    """RFC 3720, appendix B.4, and the check value of the Castagnoli polynomial."""
    messages = [bytes(32), b"\xff" * 32, bytes(range(32)), b"123456789", b""]
    assert [hex(each) for each in crc32c(messages).tolist()] == [
        "0x8a9136aa",
        "0x62a8ab43",
        "0x46dd794e",
        "0xe3069283",
        "0x0",
    ]


def slow_checksum(message):
    """CRC-32C, masked, one bit at a time."""
    crc = 0xFFFFFFFF
    for byte in message:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def tfrecord(messages):
    parts = []
    for message in messages:
        length = struct.pack("<Q", len(message))
        parts += [length, struct.pack("<I", slow_checksum(length)), message, struct.pack("<I", slow_checksum(message))]
    return b"".join(parts)


def test_records_read_back(tmp_path):
    rng = np.random.default_rng(0)
    messages = [rng.bytes(int(length)) for length in (*rng.integers(0, 90, 20), 0, 1000)]
    (tmp_path / "a.tfrecord").write_bytes(tfrecord(messages))
    assert list(records(tmp_path / "a.tfrecord")) == messages
    assert masked(crc32c(messages)).tolist() == [slow_checksum(each) for each in messages]


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda body: body[:-3], "ends within record 1"),
        (lambda body: body[:50], "ends within record 1"),
        (lambda body: body[:70] + bytes([body[70] ^ 1]) + body[71:], "record 1: the checksum of its data"),
        (lambda body: body[:9] + bytes([body[9] ^ 1]) + body[10:], "record 0: the checksum of its length"),
        (lambda body: b"[1, 2, 3]" * 20, "no TFRecord file"),
    ],
)
def test_a_damaged_file_is_refused(damage, said, tmp_path):
    path = tmp_path / "a.tfrecord"
    path.write_bytes(damage(tfrecord([b"x" * 30, b"y" * 40])))
    with pytest.raises(DataError, match=said):
        list(records(path))


# NAS-Bench-101.

CELLS = [  # hash, matrix, operations, parameters: records of the benchmark
    (
        "ff92c322c5d9d3d587d9c146a63d0807",
        "0101000001110000010000000001000001000000010000000",
        "input,conv3x3-bn-relu,conv1x1-bn-relu,conv1x1-bn-relu,conv3x3-bn-relu,conv1x1-bn-relu,output",
        6315018,
    ),
    (
        "ff92d98b0ef588152b657bd10d624946",
        "0100001001001000010100000100000001000000010000000",
        "input,maxpool3x3,maxpool3x3,maxpool3x3,conv3x3-bn-relu,conv1x1-bn-relu,output",
        12088970,
    ),
]


def varint(value):
    parts = []
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])


def model_metrics(values, params, extra=b""):
    """A ModelMetrics message: evaluations of (epoch, time, train, validation, test), field 1; parameters, field 2."""
    parts = []
    for evaluation in values:
        body = b"".join(bytes([field << 3 | 1]) + struct.pack("<d", each) for field, each in enumerate(evaluation, 1))
        parts += [b"\x0a", varint(len(body + extra)), body + extra]
    return b"".join([*parts, b"\x10", varint(params), b"\x19", struct.pack("<d", 1.5)])


def evaluations(start):
    return [[start + 10 * i + j for j in range(5)] for i in range(3)]


def rows101(extra=b""):
    """Two cells, 4 and 108 epochs, three repeats each."""
    for number, (name, matrix, operations, params) in enumerate(CELLS):
        for epochs in (4, 108):
            for repeat in range(3):
                message = model_metrics(evaluations(1000.0 * number + epochs + 0.25 * repeat), params, extra)
                yield json.dumps([name, epochs, matrix, operations, base64.b64encode(message).decode()]).encode()


@pytest.mark.parametrize("extra", [b"", b"\x32\x03abc"])  # without and with the path of a checkpoint
def test_nasbench101_as_published(extra, tmp_path):
    path = tmp_path / "nasbench_full.tfrecord"
    path.write_bytes(tfrecord(list(rows101(extra))))
    table = benchmarks.nasbench101(path)
    space = NasBench101()
    assert table.report.architectures == 2 and table.report.repeats == (3, 3) and table.budgets == (4.0, 108.0)
    name, matrix, operations, params = CELLS[1]
    rows = [list(map(int, matrix[i : i + 7])) for i in range(0, 49, 7)]
    candidate = space.from_matrix(rows, operations.split(","))
    assert space.module_hash(candidate) == name
    last = 1000.0 + 108 + 0.25 * 2 + 20
    assert table.estimate(Proposal(candidate), 2).metrics == {
        "val_accuracy": last + 3,
        "test_accuracy": last + 4,
        "train_accuracy": last + 2,
        "params": params,
        "cost_seconds": last + 1,
    }
    assert table.estimate(Proposal(candidate, fidelity=0.5), 0).metrics["val_accuracy"] == 1000.0 + 4 + 20 + 3
    halfway = benchmarks.nasbench101(path, metrics="halfway_test_accuracy")
    assert halfway.column("halfway_test_accuracy").tolist() == [108.25 + 14, 1108.25 + 14]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (b"[1, 2]", "record 0 is not"),
        (b"\xff\xfe", "record 0 is not"),
        (
            json.dumps([3, 108, *CELLS[0][1:3], base64.b64encode(model_metrics([[0.0] * 5] * 3, 5)).decode()]).encode(),
            "hash 3",
        ),
        (json.dumps(["0" * 32, 108, *CELLS[0][1:3], "AAAA"]).encode(), "record 0 is not"),
        (json.dumps([CELLS[0][0], 108, *CELLS[0][1:3], "not base64!"]).encode(), "record 0 is not"),
    ],
)
def test_a_wrong_record_is_named(row, said, tmp_path):
    path = tmp_path / "nasbench_only108.tfrecord"
    path.write_bytes(tfrecord([row]))
    with pytest.raises(DataError, match=said):
        benchmarks.nasbench101(path)


def test_a_cell_that_its_hash_does_not_name_is_refused(tmp_path):
    path = tmp_path / "nasbench_only108.tfrecord"
    metrics = base64.b64encode(model_metrics(evaluations(0.0), 5)).decode()
    for name, matrix, operations, said in (
        ("0" * 32, *CELLS[0][1:3], "that of the cell there is 'ff92c322"),
        (CELLS[0][0], CELLS[0][1], CELLS[0][2].replace("conv3x3-bn-relu", "conv5x5"), "no operation 'conv5x5'"),
        (CELLS[0][0], CELLS[0][1][:-1], CELLS[0][2], "square matrix"),
    ):
        path.write_bytes(tfrecord([json.dumps([name, 108, matrix, operations, metrics]).encode()]))
        with pytest.raises(DataError, match=said):
            benchmarks.nasbench101(path)
    (tmp_path / "empty.tfrecord").write_bytes(b"")
    with pytest.raises(DataError, match="no records"):
        benchmarks.nasbench101(tmp_path / "empty.tfrecord")


def test_the_table_of_another_space_is_refused(tmp_path):
    path = tmp_path / "nasbench_only108.tfrecord"
    path.write_bytes(tfrecord(list(rows101())))
    with pytest.raises(UserError, match="about cells of NasBench101"):
        reader101.NasBench101File(path).read(NasBench201())


@pytest.mark.skipif(not (DATA / "nasbench101").exists(), reason="the extracts of NAS-Bench-101 are not here")
def test_real_records_of_nasbench101():
    path = DATA / "nasbench101" / "nb101_30_full_records.json"
    table = benchmarks.nasbench101(path)
    found = json.loads(path.read_text())
    assert table.report.architectures == 30
    space = NasBench101()
    fixed, computed = found["ff92c322c5d9d3d587d9c146a63d0807"]
    candidate = space.from_matrix(fixed["module_adjacency"], fixed["module_operations"])
    accuracies = {table.estimate(Proposal(candidate), seed).metrics["test_accuracy"] for seed in range(3)}
    assert accuracies == {each["final_test_accuracy"] for each in computed["108"]}
    assert table.best("test_accuracy") == pytest.approx(
        max(np.mean([each["final_test_accuracy"] for each in rows["108"]]) for _, rows in found.values())
    )


# NAS-Bench-Macro.


def macro(tmp_path, **changes):
    record = {"test_acc": [93.0, 92.0, 94.0], "mean_acc": 93.0, "std": 0.8, "params": 100, "flops": 200}
    path = tmp_path / "nas-bench-macro_cifar10.json"
    path.write_text(json.dumps({"01201221": {**record, **changes}, "11111111": record}))
    return path


def test_nasbench_macro_as_published(tmp_path):
    table = benchmarks.nasbench_macro(macro(tmp_path))
    candidate = NasBenchMacro().parse("01201221")
    assert [table.estimate(Proposal(candidate), seed).metrics["test_acc"] for seed in range(3)] == [93.0, 92.0, 94.0]
    assert table.column("mean_acc").tolist() == table.column("test_acc").tolist() == [93.0, 93.0]
    with pytest.raises(DataError, match=r"record of '01201221'.*expected a list"):
        benchmarks.nasbench_macro(macro(tmp_path, test_acc=93.0))


# NAS-Bench-201.


def trained(start, epochs, seed):
    every = range(epochs)
    return {
        "name": "infer.tiny",
        "net_state_dict": None,
        "train_acc1es": {i: start + i for i in every},
        "train_losses": {i: 1.0 / (1 + i) for i in every},
        "train_times": dict.fromkeys(every, 2.0),
        "params": 0.8,
        "flop": 113.9,
        "seed": seed,
        "epochs": epochs,
        "eval_names": ["x-valid", "ori-test"],
        "eval_acc1es": {**{f"x-valid@{i}": start + i + 0.5 for i in every}, f"ori-test@{epochs - 1}": start + 90.0},
        "eval_losses": {**{f"x-valid@{i}": 2.0 for i in every}, f"ori-test@{epochs - 1}": 3.0},
        "eval_times": {f"x-valid@{i}": 0.5 for i in every},
    }


def pth(path, extra=None):
    texts = [str(NasBench201().at(i)) for i in (0, 7)]
    infos = {
        i: {
            name: {
                "all_results": {
                    ("cifar10-valid", seed): trained(10.0 * i + seed / 1000, epochs, seed) for seed in seeds
                }
            }
            for name, epochs, seeds in (("less", 12, (777,)), ("full", 200, (777, 888)))
        }
        for i in range(2)
    }
    torch.save({"meta_archs": texts, "arch2infos": infos, "evaluated_indexes": {0, 1}, **(extra or {})}, path)
    return path


def test_nasbench201_as_published(tmp_path):
    path = pth(tmp_path / "NAS-Bench-201-v1_1-096897.pth")
    table = benchmarks.nasbench201(path, "cifar10-valid", 200)
    candidate = NasBench201().at(7)
    found = table.estimate(Proposal(candidate), 1)
    assert found.metrics == pytest.approx(
        {
            "params": 0.8,
            "flops": 113.9,
            "test_accuracy": 100.888,
            "test_loss": 3.0,
            "train_accuracy": 10.888 + 199,
            "train_loss": 1 / 200,
            "val_accuracy": 10.888 + 199.5,
            "val_loss": 2.0,
            "cost_seconds": 400.5,
        }
    )
    assert len(found.curve) == 200
    half = table.estimate(Proposal(candidate, fidelity=0.5), 0)
    assert half.metrics["val_accuracy"] == pytest.approx(10.777 + 99.5)
    assert half.metrics["cost_seconds"] == pytest.approx(200.25)
    short = benchmarks.nasbench201(path, epochs=12)
    assert short.report.repeats == (1, 1) and len(short.estimate(Proposal(candidate), 0).curve) == 12
    with pytest.raises(DataError, match="no training on 'cifar100'"):
        benchmarks.nasbench201(path, "cifar100")
    with pytest.raises(ConfigurationError, match="did you mean 'cifar100'"):
        benchmarks.nasbench201(path, "cifar1000")
    with pytest.raises(ConfigurationError, match="12 and of 200"):
        benchmarks.nasbench201(path, epochs=90)


@pytest.mark.parametrize("package", [b"numpy._core", b"numpy.core"])  # of numpy 2 and 1
def test_numbers_of_numpy_are_plain_data(package, tmp_path):
    whole = tmp_path / "whole.pth"
    infos = {0: {"less": {"all_results": {("cifar10-valid", 777): trained(1.0, 12, 777)}}}}
    infos[0]["less"]["all_results"]["cifar10-valid", 777] |= {"params": np.float64(0.75), "flop": np.float32(2.0)}
    torch.save({"meta_archs": [str(NasBench201().at(0))], "arch2infos": infos}, whole)
    path = tmp_path / "a.pth"
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            body = old.read(name)
            assert not name.endswith("data.pkl") or b"core.multiarray" in body
            new.writestr(name, body.replace(b"numpy._core", b"numpy.core").replace(b"numpy.core", package))
    assert benchmarks.nasbench201(path, epochs=12).best("params:maximize") == 0.75


def test_what_could_run_code_is_refused(tmp_path):
    from fractions import Fraction

    with pytest.raises(DataError, match="more than PyTorch's loader"):
        benchmarks.nasbench201(pth(tmp_path / "a.pth", {"extra": Fraction(1, 2)}))
    for name in ("NATS-tss-v1_0-3ffb9.pickle.pbz2", "a.pickle"):
        (tmp_path / name).write_bytes(b"anything")
        with pytest.raises(UserError, match="can run code"):
            benchmarks.nasbench201(tmp_path / name)
    with pytest.raises(UserError, match="can run code"):
        benchmarks.nasbench201(tmp_path)


def test_other_files_are_not_nasbench201(tmp_path):
    torch.save({"a": 1}, tmp_path / "a.pth")
    (tmp_path / "b.pth").write_bytes(b"nothing that torch wrote")
    torch.save({"meta_archs": ["x"], "arch2infos": {0: 3}}, tmp_path / "c.pth")
    for name, said in (("a.pth", "expected 'meta_archs'"), ("b.pth", "b.pth"), ("c.pth", "not laid out")):
        with pytest.raises(DataError, match=said):
            benchmarks.nasbench201(tmp_path / name)


def test_nasbench201_as_a_plain_table(tmp_path):
    (tmp_path / "table.csv").write_text(f"arch,accuracy\n{NasBench201().at(3)},90.5\n")
    assert benchmarks.nasbench201(tmp_path / "table.csv").best("accuracy") == 90.5
