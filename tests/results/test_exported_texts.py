"""Exported networks for texts answer to the user's own files as they were judged."""

import json

import pytest
from written_model import exported

from netwright.spaces import Recurrent, Texts
from netwright.tasks import text, text_table
from netwright.training import evaluate, predict

PROSE = "the cat sat on the mat, and the dog sat on the log.\nA bird flew over both of them!\n" * 40


@pytest.mark.parametrize("unit", ["characters", "words", "bytes"])
def test_a_language_model_says_the_perplexity_of_a_text_as_it_was_judged(tmp_path, unit, capsys):
    (tmp_path / "prose.txt").write_text(PROSE)
    task = text(tmp_path / "prose.txt", tokens=unit, window=6)
    module, network = exported(task, Recurrent(nodes=1, channels=4), tmp_path)
    data = task.final_data()
    expected = evaluate(network, data.held_out, data)["perplexity"]
    files = task.preparation.own_files(len(task.test), tmp_path)
    assert module.main([*map(str, files), "--generate", "5"]) == 0
    said, going_on = capsys.readouterr().out.split("\n", 1)
    assert f"perplexity {expected:.4f} over {task.test.targets.numel():,} {unit}" in said
    assert going_on.strip("\n")
    assert module.main([*map(str, files), "--json"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == len(task.test) and "perplexity" in json.loads(printed[0])
    (tmp_path / "short.txt").write_text("a")
    assert module.main([str(tmp_path / "short.txt")]) == 2
    assert "expected at least 7" in capsys.readouterr().err


def test_a_classifier_of_texts_reads_rows_and_files(tmp_path, capsys):
    rows = [
        ("up", "It goes up, and up again"),
        ("down", "Down it goes"),
        ("up", "up to the top"),
        ("down", "a way down"),
    ]
    lines = [f'{kind},"{said}"' for kind, said in rows * 6]
    (tmp_path / "a.csv").write_text("kind,said\n" + "\n".join(lines) + "\n")
    task = text_table(tmp_path / "a.csv", text="said", target="kind")
    module, network = exported(task, Texts(channels=4, most=1), tmp_path)
    data = task.final_data()
    probabilities = predict(network, data.held_out, data).softmax(1)
    files = task.preparation.own_files(len(task.test), tmp_path)
    assert module.main([*map(str, files), "--json"]) == 0
    found = [json.loads(each) for each in capsys.readouterr().out.splitlines()]
    for answer, expected in zip(found, probabilities.tolist(), strict=True):
        assert answer["probabilities"] == pytest.approx(dict(zip(task.class_names, expected, strict=True)), abs=1e-5)
    (tmp_path / "new.csv").write_text('other,said\n1,"It goes up, and up again"\n2,\n')
    assert module.main([str(tmp_path / "new.csv")]) == 2
    assert "line 3: the text is empty" in capsys.readouterr().err
