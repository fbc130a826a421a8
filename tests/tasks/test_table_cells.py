"""Numbers converted in C are those that the portable code finds, for whatever texts."""

import math

import numpy as np
import pyarrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netwright.tasks import tables
from netwright.tasks.portable.cells import SPACES, amount, is_missing
from netwright.tasks.table_cells import Cells

texts = st.one_of(
    st.text("0123456789.,+-eE", max_size=6),
    st.sampled_from(
        ["", "NA", "nan", "inf", "-inf", "Infinity", "1_0", "0x1", "007", "1e400", "\u0663", "\u22125", "1."]
    ),
    st.floats().map(repr),
    st.integers().map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(lambda value: repr(value).replace(".", ",")),
)


@settings(max_examples=400, deadline=None)
@given(st.lists(texts, min_size=1, max_size=4), st.sampled_from(".,"))
def test_numbers_in_c_are_those_of_python(cells, decimal):
    column = pyarrow.chunked_array([pyarrow.array([f" {cell}\t" for cell in cells], pyarrow.string())])
    found = Cells(column, trim=True).numbers(decimal)
    cells = [cell.strip(SPACES) for cell in cells]
    if found is None:
        return
    expected = [math.nan if is_missing(cell) else amount(cell, decimal, "") for cell in cells]
    assert None not in expected, (cells, found)
    assert np.array_equal(found, np.array(expected), equal_nan=True)


ODD = [
    'a,b\n1,"x ""y"" z"\n\n2,5" pipe\n,\n  \n3,"a"b\n',
    'a;b\r\n1,5;"x\r\ny"\r\n2,5;\r\n',
    "a\tb\n 1 \t x\n2\ty  \n",
    "a,b\r1,x\r2,y",
    "\ufeffä,b\n\u00a01,\u00fc\n2,\u202fy\n",
    "# title\n\na,b\n1,x\n2,y\n",
]


@pytest.mark.parametrize("text", ODD)
def test_both_readers_find_the_same_cells(text, tmp_path, monkeypatch):
    path = tmp_path / "table.csv"
    path.write_bytes(text.encode())
    found = [[cells.all_texts() for cells in tables.read_table(path, header=True).cells]]

    def refuses(rest):
        raise pyarrow.ArrowInvalid("not this one")

    monkeypatch.setattr(tables, "_columns_in_c", refuses)
    found.append([cells.all_texts() for cells in tables.read_table(path, header=True).cells])
    assert found[0] == found[1] and len(found[0]) == 2 and len(found[0][0]) in (2, 3)
