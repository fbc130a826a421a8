"""Large pictures as tiles that overlap; a pixel is answered by the tile in whose middle it lies (Ronneberger 2015)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import torch
from torch import Tensor

# Given by the exported file; what is here only says what they are.
TILE: tuple[int, int] = (128, 128)  # height and width
MARGIN: int = 16


def spans(extent: int, tile: int, margin: int) -> list[tuple[int, int, int]]:
    """The tiles along one side: where each begins, and from where to before where it answers.

    What they answer for covers the side once. Where the side is shorter than a tile there is one, and the picture's
    last line is repeated beyond its end.

    extent: pixels of the side.
    tile: pixels of a tile's side, more than twice the margin.
    margin: pixels at a tile's ends, at least, for which a neighbour answers; none where the picture ends.
    """
    if extent <= tile:
        return [(0, 0, extent)]
    count = -(-(extent - 2 * margin) // (tile - 2 * margin))
    starts = [i * (extent - tile) // (count - 1) for i in range(count)]
    between = [(start + tile + after) // 2 for start, after in itertools.pairwise(starts)]
    return list(zip(starts, [0, *between], [*between, extent], strict=True))


def places(height: int, width: int, tile: tuple[int, int], margin: int) -> Iterator[tuple[tuple[int, int, int], ...]]:
    """The spans of each tile, of its rows and of its columns."""
    for rows in spans(height, tile[0], margin):
        for columns in spans(width, tile[1], margin):
            yield rows, columns


def cut(picture: Tensor, tile: tuple[int, int], margin: int) -> Tensor:
    """All tiles of a picture (channels, height, width): (tiles, channels, *tile)."""
    height, width = picture.shape[1:]
    found: list[Tensor] = []
    for rows, columns in places(height, width, tile, margin):
        down = torch.arange(rows[0], rows[0] + tile[0]).clamp(max=height - 1)
        across = torch.arange(columns[0], columns[0] + tile[1]).clamp(max=width - 1)
        found.append(picture[:, down][:, :, across])
    return torch.stack(found)


def put_together(answers: Tensor, height: int, width: int, tile: tuple[int, int], margin: int) -> Tensor:
    """Of the answers of a picture's tiles (tiles, ..., *tile) those of its pixels (..., height, width)."""
    whole = answers.new_empty((*answers.shape[1:-2], height, width))
    for answer, (rows, columns) in zip(answers, places(height, width, tile, margin), strict=True):
        own = answer[..., rows[1] - rows[0] : rows[2] - rows[0], columns[1] - columns[0] : columns[2] - columns[0]]
        whole[..., rows[1] : rows[2], columns[1] : columns[2]] = own
    return whole
