import pytest

from netwright.core.errors import UserError
from netwright.methods import nas_unet
from netwright.spaces import UNetCells
from netwright.tasks import digits


def test_images_with_one_answer_are_refused_with_what_to_use():
    with pytest.raises(UserError, match="an answer for every pixel, but the task asks for one an image; use darts"):
        nas_unet(UNetCells(depth=1, channels=2, nodes=1), digits())
