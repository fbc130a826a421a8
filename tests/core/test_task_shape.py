"""What a network takes and answers: kinds of examples, heads, JSON of today and before, and what is refused."""

from __future__ import annotations

import pytest
import torch

from netwright.core.errors import UserError
from netwright.core.task import TaskShape


@pytest.mark.parametrize(
    ("shape", "kind", "places"),
    [
        (TaskShape((5,), 2), "vectors", ()),
        (TaskShape((2, 9), 2), "series", (9,)),
        (TaskShape((3, 6, 4), 2), "images", (6, 4)),
        (TaskShape((1, 3, 4, 5), 2), "volumes", (3, 4, 5)),
        (TaskShape((7,), 2, vocabulary=11), "tokens", (7,)),
    ],
)
def test_the_kind_follows_from_the_shape(shape: TaskShape, kind: str, places: tuple[int, ...]) -> None:
    assert (shape.kind, shape.places) == (kind, places)
    kinds = {"vectors": shape.is_vector, "series": shape.is_series, "images": shape.is_image, "tokens": shape.is_tokens}
    assert [name for name, holds in kinds.items() if holds] == ([kind] if kind in kinds else [])


@pytest.mark.parametrize(
    ("input", "features"),
    [((5,), (4, 6)), ((2, 9), (4, 6, 3)), ((3, 6, 4), (4, 6, 3, 2)), ((1, 3, 4, 5), (4, 6, 3, 2, 5))],
)
def test_a_head_gives_the_numbers_that_are_asked_for(input: tuple[int, ...], features: tuple[int, ...]) -> None:
    shape, given = TaskShape(input, 7), torch.randn(features)
    assert shape.head(6)(given).shape == (4, 7)
    if shape.places:
        dense = TaskShape(input, 7, dense=True)
        assert dense.head(6)(given).shape == (4, 7, *shape.places)


def test_the_head_of_a_whole_example_is_linear_in_the_mean_over_places() -> None:
    head, given = TaskShape((3, 6, 4), 7).head(6), torch.randn(4, 6, 3, 2)
    *_, linear = head.children()
    assert torch.allclose(head(given), linear(given.mean((2, 3))), atol=1e-6)


def test_a_dense_head_at_full_resolution_is_a_linear_layer_at_each_place() -> None:
    head, given = TaskShape((3, 6, 4), 7, dense=True).head(5), torch.randn(2, 5, 6, 4)
    weight, bias = head.state_dict().values()
    expected = torch.einsum("oc,nchw->nohw", weight[..., 0, 0], given) + bias[:, None, None]
    assert torch.allclose(head(given), expected, atol=1e-5)


def test_json_is_read_again_and_that_of_before_too() -> None:
    for shape in (TaskShape((3, 6, 4), 7), TaskShape((9,), 5, vocabulary=5, dense=True)):
        assert TaskShape.from_json(shape.as_json()) == shape
    assert TaskShape((3, 6, 4), 7).as_json() == {"input": [3, 6, 4], "classes": 7}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((), 2), "neither a vector"),
        (((1, 2, 3, 4, 5), 2), "neither a vector"),
        (((0,), 2), "neither a vector"),
        (((3,), 0), "at least 1 number"),
        (((3, 4), 2, 9), "tokens have the shape"),
    ],
)
def test_shapes_that_are_none_are_refused(arguments: tuple, message: str) -> None:
    with pytest.raises(UserError, match=message):
        TaskShape(*arguments)


def test_a_space_for_images_says_what_it_found() -> None:
    with pytest.raises(UserError, match="for images, but the task's examples are series of shape \\(2, 9\\)"):
        getattr(TaskShape((2, 9), 3), "height")  # noqa: B009
    assert TaskShape((2, 9), 3).channels == 2
