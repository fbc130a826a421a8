"""Times the pieces of a profile on this device. It needs Python 3.8 or later, numpy and onnxruntime, and nothing else.

    python run.py [--threads 1] [--seconds 0.1] [--to board.csv]

Bring board.csv back: netwright search DATA --latency board.csv --limit "latency_ms <= 20"
"""

import argparse
import csv
import os
import platform
import sys
import time

import numpy
import onnxruntime

HERE = os.path.dirname(os.path.abspath(__file__))
KINDS = {"tensor(float)": "float32", "tensor(int64)": "int64", "tensor(int32)": "int32", "tensor(bool)": "bool"}


def session_of(path, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def inputs_of(session):
    """Random numbers of each input's shape; an open axis is the batch of one."""
    generator, found = numpy.random.default_rng(0), {}
    for each in session.get_inputs():
        shape = [size if isinstance(size, int) else 1 for size in each.shape]
        kind = KINDS.get(each.type, "float32")
        found[each.name] = generator.random(shape).astype(kind) if kind == "float32" else numpy.zeros(shape, kind)
    return found


def timed(path, threads, seconds):
    """Milliseconds: the median of warm runs, and their interquartile range as a share of it."""
    session = session_of(path, threads)
    given = inputs_of(session)
    for _ in range(3):
        session.run(None, given)
    runs, end = [], time.perf_counter() + seconds
    while len(runs) < 15 or time.perf_counter() < end:
        began = time.perf_counter()
        session.run(None, given)
        runs.append(time.perf_counter() - began)
    first, middle, third = numpy.percentile(runs, [25, 50, 75])
    return 1e3 * middle, (third - first) / middle


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1, help="that ONNX Runtime computes with; 1 by default")
    parser.add_argument("--seconds", type=float, default=0.05, help="for each piece, about; 0.05 by default")
    parser.add_argument("--to", default="board.csv", help="the file to write; board.csv by default")
    asked = parser.parse_args()
    with open(os.path.join(HERE, "pieces.csv"), newline="", encoding="utf-8") as file:
        pieces = list(csv.DictReader(file))
    machine = f"{platform.node()} {platform.machine()}"
    further = {"machine": machine, "runtime": "onnxruntime " + onnxruntime.__version__, "threads": asked.threads}
    with open(asked.to, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [*pieces[0], "ms", "spread", *further])
        writer.writeheader()
        for number, piece in enumerate(pieces, 1):
            ms, spread = timed(os.path.join(HERE, piece["file"]), asked.threads, asked.seconds)
            writer.writerow(dict(piece, ms=f"{ms:.6g}", spread=f"{spread:.3g}", **further))
            sys.stderr.write(f"\r{number} of {len(pieces)} pieces")
    sys.stderr.write(f"\nwrote {asked.to}; bring it back\n")


if __name__ == "__main__":
    main()
