"""One column of a text table: its texts, each distinct one looked at once, and plain numbers converted in C."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from netwright.tasks.portable.cells import COUNTED, MISSING, SPACES, amount, is_missing

if TYPE_CHECKING:
    import pyarrow

_LOOKED_AT = 20  # cells that have to be numbers before all are tried


class Cells:
    """The texts of a column, without surrounding spaces.

    column: an Arrow column of strings.
    trim: whether there may be spaces around them.
    """

    def __init__(self, column: pyarrow.ChunkedArray, trim: bool = False) -> None:
        import pyarrow.compute as compute

        self._column: Any = compute.utf8_trim(column, SPACES) if trim else column  # pyright: ignore[reportAttributeAccessIssue]

    @classmethod
    def nothing(cls) -> Cells:
        """What stands in the place of a column that is done with, so that its memory is free."""
        import pyarrow

        return cls(pyarrow.chunked_array([pyarrow.array([], pyarrow.string())]))

    def __len__(self) -> int:
        return len(self._column)

    def empty(self) -> NDArray[np.bool_]:
        import pyarrow.compute as compute

        return _array(compute.equal(self._column, ""))  # pyright: ignore[reportAttributeAccessIssue]

    def where(self, mask: NDArray[np.bool_]) -> Cells:
        import pyarrow

        return Cells(self._column.filter(pyarrow.array(mask)))

    def all_texts(self) -> list[str]:
        """The text of every cell."""
        return self._column.to_pylist()

    @cached_property
    def _encoded(self) -> Any:
        encoded = self._column.dictionary_encode().unify_dictionaries()
        return encoded.combine_chunks() if encoded.num_chunks != 1 else encoded.chunk(0)

    @cached_property
    def texts(self) -> list[str]:
        """The different texts, in the order in which they come."""
        return self._encoded.dictionary.to_pylist()

    @cached_property
    def codes(self) -> NDArray[np.int32]:
        """The place of each cell's text in `texts`: (n,)."""
        return _array(self._encoded.indices)

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        return np.bincount(self.codes, minlength=len(self.texts))

    def first(self, place: int) -> int:
        """The first row with the text at that place of `texts`."""
        return int(np.argmax(self.codes == place))

    def numbers(self, decimal: str) -> NDArray[np.float64] | None:
        """Every cell as a number, NaN where it is missing; None where some cell is anything but a plain number.

        decimal: "." or ",". Whole numbers with leading zeros are codes and not numbers.
        """
        import pyarrow
        import pyarrow.compute as compute

        seen = self._column.slice(0, 10 * _LOOKED_AT).to_pylist()
        present = [text for text in seen if not is_missing(text)][:_LOOKED_AT]
        if any(amount(text, decimal, "") is None for text in present):
            return None
        column, function = self._column, compute
        if decimal == ",":
            if _any(function.match_substring(column, ".")) or self._may_count(present):
                return None
            column = function.replace_substring(column, ",", ".")
        try:
            values = column.cast(pyarrow.float64())
        except pyarrow.ArrowInvalid:
            gaps = function.is_in(function.utf8_lower(column), pyarrow.array(sorted(MISSING), pyarrow.string()))
            try:
                values = function.if_else(gaps, None, column).cast(pyarrow.float64())
            except pyarrow.ArrowInvalid:
                return None
        found = _array(values).astype(np.float64, copy=False)
        if np.isinf(found).any() or np.isnan(found).all():
            return None
        return None if self._holds_codes(found) else found

    def _may_count(self, present: list[str]) -> bool:
        """Whether each comma in the column may mark thousands."""
        import pyarrow.compute as compute

        function: Any = compute
        if any("," in text and not COUNTED.fullmatch(text) for text in present):
            return False
        fits = function.match_substring_regex(self._column, f"^(?:{COUNTED.pattern}|)$")
        return not _any(function.invert(fits)) and _any(function.match_substring(self._column, ","))

    def _holds_codes(self, values: NDArray[np.float64]) -> bool:
        import pyarrow.compute as compute

        some = values[:1000][~np.isnan(values[:1000])]
        if (some != np.round(some)).any():
            return False
        function: Any = compute
        padded = function.starts_with(self._column, "0")
        if not _any(padded):
            return False
        long = function.greater(function.binary_length(self._column), 1)
        return _any(function.and_(padded, long)) and bool((values == np.round(values))[~np.isnan(values)].all())


def _any(mask: Any) -> bool:
    import pyarrow.compute as compute

    return bool(compute.any(mask).as_py())  # pyright: ignore[reportAttributeAccessIssue]


def _array(column: Any) -> NDArray[Any]:
    return np.asarray(column)
