import torch

from netwright.networks.drop_path import DropPath


def test_nothing_is_dropped_at_first_or_in_evaluation():
    x, module = torch.randn(4, 3, 2, 2), DropPath()
    assert module(x) is x
    module.drop_path_probability = 0.5
    assert module.eval()(x) is x


def test_whole_examples_are_dropped_and_the_mean_is_kept():
    torch.manual_seed(0)
    module = DropPath()
    module.drop_path_probability = 0.3
    y = module(torch.ones(20_000, 2, 3, 3))
    each = y.flatten(1)
    assert torch.equal(each.amin(1), each.amax(1))
    torch.testing.assert_close(each.unique(), torch.tensor([0.0, 1 / 0.7]))
    assert abs(each[:, 0].mean().item() - 1.0) < 0.02  # four standard deviations


def test_the_gradient_is_dropped_with_the_path():
    torch.manual_seed(0)
    module, x = DropPath(), torch.randn(64, 3, requires_grad=True)
    module.drop_path_probability = 0.5
    y = module(x)
    y.sum().backward()
    assert x.grad is not None
    assert torch.equal(x.grad[:, 0] == 0, y[:, 0] == 0)
