import pytest

from netwright.core.errors import DataError, UserError
from netwright.tasks import from_configuration, open_task, text_table

ROWS = [
    ("sport", "The team won", "a match, again"),
    ("science", "A planet found", "far away from here"),
    ("sport", "They lost", "the final match"),
    ("science", "Cells divide", "in a dish, again and again"),
] * 8


@pytest.fixture
def table(tmp_path):
    lines = [f'{kind},"{title}","{text}"' for kind, title, text in ROWS]
    (tmp_path / "news.csv").write_text("kind,title,body\n" + "\n".join(lines) + "\n")
    return tmp_path / "news.csv"


def test_words_become_numbers_by_the_vocabulary_of_the_training_part(table):
    task = open_task(str(table), text=["title", "body"], target="kind", length=6)
    assert (task.shape.input, task.shape.is_tokens, task.shape.dense) == ((6,), True, False)
    assert task.class_names == ("science", "sport")
    assert (len(task.train), len(task.test)) == (29, 3)
    row = task.train.inputs[0].tolist()
    assert 0 not in row  # cut to its first words
    found = " ".join(task.notes)
    assert "'title', 'body'" in found and "which cuts" in found


def test_short_texts_are_filled_in_front(table):
    task = text_table(table, text="title", target="kind", length=5)
    assert all(row[:2] == [0, 0] and 0 not in row[3:] for row in task.train.inputs.tolist())


def test_words_that_the_test_alone_has_are_unknown(table, tmp_path):
    (tmp_path / "test.csv").write_text('kind,title,body\nsport,"entirely other words","x"\n')
    task = text_table(table, text="title", target="kind", test=tmp_path / "test.csv", length=3)
    assert task.test.inputs.tolist() == [[1, 1, 1]]
    assert task.test.targets.tolist() == [1]


def test_the_length_follows_from_the_texts(table):
    task = text_table(table, text="body", target="kind")
    assert task.shape.input == (7,)  # "in a dish, again and again" has seven with its comma


def test_a_task_is_made_again_from_its_configuration(table):
    task = text_table(table, text=["title", "body"], target="kind", split_seed=3)
    assert from_configuration(task.configuration()).fingerprint == task.fingerprint


def refused(problem):
    assert "\n" not in str(problem.value)
    return str(problem.value)


def test_an_empty_text_is_told_with_its_line(table):
    table.write_text(table.read_text() + 'sport,"",""\n')
    with pytest.raises(DataError, match="line 34: the text is empty") as problem:
        text_table(table, text="title", target="kind")
    assert "empty='drop'" in refused(problem)
    assert len(text_table(table, text="title", target="kind", empty="drop").train) == 29


def test_a_column_that_is_no_text_is_told(table):
    with pytest.raises(DataError, match="'kind' is no text") as problem:
        text_table(table, text="kind", target="title")
    assert "'title', 'body'" in refused(problem)
    with pytest.raises(UserError, match="is the target"):
        text_table(table, text="title", target="title")
    with pytest.raises(UserError, match="no column 'titel'") as problem:
        text_table(table, text="titel", target="kind")
    assert "title" in refused(problem)


def test_folders_of_text_files(tmp_path):
    for kind, title, text in ROWS:
        (tmp_path / kind).mkdir(exist_ok=True)
        count = len([*(tmp_path / kind).iterdir()])
        (tmp_path / kind / f"{count}.txt").write_text(f"{title} {text}")
    task = open_task(str(tmp_path))
    assert task.class_names == ("science", "sport")
    assert len(task.train) + len(task.test) == len(ROWS)
    assert "test texts are training texts, too" in " ".join(task.notes)
    (tmp_path / "sport" / "0.txt").write_text(" ")
    with pytest.raises(DataError, match=r"0\.txt is empty") as problem:
        open_task(str(tmp_path))
    refused(problem)


def test_given_folders_of_training_and_test_texts(tmp_path):
    for part in ("train", "test"):
        for kind in ("a", "b"):
            (tmp_path / part / kind).mkdir(parents=True)
            for i in range(3):
                (tmp_path / part / kind / f"{i}.txt").write_text(f"{kind} {part} text {i}")
    task = open_task(str(tmp_path))
    assert (len(task.train), len(task.test)) == (6, 6)


def test_a_table_of_texts_alone_says_how_they_are_read(table):
    lines = [f"{kind},{title} number {i}" for i, (kind, title, _) in enumerate(ROWS * 4)]
    table.write_text("kind,title\n" + "\n".join(lines) + "\n")
    with pytest.raises(DataError, match="no column that can serve") as problem:
        open_task(str(table), target="kind")
    assert "text='title' takes the words" in refused(problem)


def test_rows_without_a_class_are_left_out_with_those_without_a_text(tmp_path):
    rows = [f"{'' if i == 7 else 'ab'[i % 2]};a text of number {i}" for i in range(40)]
    (tmp_path / "a.csv").write_text("kind;words\n" + "\n".join(rows) + "\n")
    with pytest.raises(DataError, match=r"'kind' is empty in line 9; empty='drop' leaves such rows out"):
        text_table(tmp_path / "a.csv", text="words", target="kind")
    task = text_table(tmp_path / "a.csv", text="words", target="kind", empty="drop")
    assert len(task.train) + len(task.test) == 39
    assert "1 of 40 rows of a.csv lack 'kind' and were left out" in task.notes
