"""Each score against a reference that is computed otherwise: finite differences, loops, closed forms."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from netwright.core.task import Examples
from netwright.estimators.zero_cost import PROXIES
from netwright.estimators.zero_cost.naswot import _both_on
from netwright.estimators.zero_cost.passes import scores
from netwright.training.randomness import seeded

NUDGE = 1e-6


def small_network(seed=0, *, inplace=False):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(2, 3, 3, padding=1, bias=False),
        nn.BatchNorm2d(3),
        nn.ReLU(inplace=inplace),
        nn.Conv2d(3, 2, 1),
        nn.BatchNorm2d(2),
        nn.ReLU(inplace=inplace),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(2, 3),
    ).double()


def minibatch(seed=0, count=5):
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(count, 2, 4, 4, generator=generator, dtype=torch.float64)
    return Examples(inputs, torch.randint(3, (count,), generator=generator))


def score(name, network, first, second=None, seed=0):
    return scores(network, first, {name: PROXIES[name]()}, second=second, seed=seed)[name]


def layers(network):
    return [each for each in network if isinstance(each, (nn.Conv2d, nn.Linear))]


def loss(network, examples):
    return F.cross_entropy(network.train()(examples.inputs), examples.targets)


@torch.no_grad()
def difference(value, numbers):
    """The gradient of value() by each of the numbers, by central differences."""
    flat, found = numbers.view(-1), torch.zeros(numbers.numel(), dtype=torch.float64)
    for place in range(len(flat)):
        kept = flat[place].item()
        ends = []
        for sign in (1, -1):
            flat[place] = kept + sign * NUDGE
            ends.append(float(value()))
        flat[place] = kept
        found[place] = (ends[0] - ends[1]) / (2 * NUDGE)
    return found.view(numbers.shape)


def gradients(network, examples):
    return [difference(lambda: loss(network, examples), each.weight.data) for each in layers(network)]


def test_grad_norm_and_snip_are_those_of_finite_differences():
    network, batch = small_network(), minibatch()
    found = gradients(network, batch)
    assert score("grad_norm", network, batch) == pytest.approx(sum(float(g.norm()) for g in found), rel=1e-6)
    sensitivity = sum(
        float((g * each.weight.detach()).abs().sum()) for g, each in zip(found, layers(network), strict=True)
    )
    assert score("snip", network, batch) == pytest.approx(sensitivity, rel=1e-6)


def test_grasp_is_the_change_of_the_gradient_along_itself():
    network, batch = small_network(), minibatch()
    weights = [each.weight for each in layers(network)]

    def gradient_at(step, direction):
        with torch.no_grad():
            for weight, along in zip(weights, direction, strict=True):
                weight += step * along
        found = torch.autograd.grad(loss(network, batch), weights)
        with torch.no_grad():
            for weight, along in zip(weights, direction, strict=True):
                weight -= step * along
        return found

    straight = torch.autograd.grad(loss(network, batch), weights)
    ahead, behind = (gradient_at(step, straight) for step in (NUDGE, -NUDGE))
    turned = [(a - b) / (2 * NUDGE) for a, b in zip(ahead, behind, strict=True)]
    expected = -sum(float((w.detach() * h).sum()) for w, h in zip(weights, turned, strict=True))
    assert score("grasp", network, batch) == pytest.approx(expected, rel=1e-5)


def test_fisher_is_how_the_loss_changes_with_a_gate_on_each_channel_once_a_weight():
    network, batch = small_network(), minibatch()
    expected = 0.0
    for layer in layers(network):
        channels = layer.weight.shape[0]
        gates = torch.ones(len(batch), channels, dtype=torch.float64)

        def gated(_module, _inputs, output, gates=gates):
            return output * (gates if output.dim() == 2 else gates[:, :, None, None])

        handle = layer.register_forward_hook(gated)
        changes = difference(lambda: loss(network, batch), gates)
        handle.remove()
        each_weight = changes[:, :, None].expand(-1, -1, layer.weight[0].numel())
        expected += float(each_weight.square().mean(0).sum() / 2)
    assert score("fisher", network, batch) == pytest.approx(expected, rel=1e-5)


def test_jacob_cov_is_its_formula_on_a_jacobian_by_finite_differences():
    network, batch = small_network(), minibatch()
    inputs = batch.inputs.clone()
    jacobian = difference(lambda: network.train()(inputs).sum(), inputs).flatten(1).numpy()
    eigenvalues = np.linalg.eigvals(np.corrcoef(jacobian)).real
    expected = -sum(math.log(v + 1e-5) + 1 / (v + 1e-5) for v in eigenvalues)
    # The smallest eigenvalue is 0 but for rounding, and 1 / k large: compare to what that leaves.
    assert score("jacob_cov", network, batch) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("inplace", [False, True])
def test_naswot_counts_agreements_one_by_one(inplace):
    network, batch = small_network(inplace=inplace), minibatch()
    codes = []
    x = batch.inputs
    for layer in network.train():
        if isinstance(layer, nn.ReLU):
            codes.append((x > 0).flatten(1).detach().numpy())
        x = layer(x)
    code = np.concatenate(codes, axis=1)
    kernel = np.zeros((len(batch), len(batch)))
    for i, j in product(range(len(batch)), repeat=2):
        kernel[i, j] = sum(int(a == b) for a, b in zip(code[i], code[j], strict=True))
    assert score("naswot", network, batch) == pytest.approx(np.log(abs(np.linalg.det(kernel))), rel=1e-9)


class SharedInput(nn.Module):
    """Two activations of one tensor, one of its negative, and one of a tensor that was written to in between."""

    def __init__(self):
        super().__init__()
        self.activations = nn.ModuleList(nn.ReLU() for _ in range(4))

    def forward(self, x):
        x = x.clone()
        found = [self.activations[0](x), self.activations[1](x), self.activations[2](-x)]
        x -= 0.3
        found.append(self.activations[3](x))
        return torch.stack(found).sum(0).flatten(1)


def test_naswot_counts_activations_of_one_tensor_each():
    batch = minibatch()
    x = batch.inputs.flatten(1)
    code = torch.cat([x > 0, x > 0, -x > 0, x - 0.3 > 0], 1).double()
    kernel = code @ code.T + (1 - code) @ (1 - code).T
    assert score("naswot", SharedInput(), batch) == pytest.approx(float(torch.logdet(kernel)), rel=1e-9)


class DeadBranch(nn.Module):
    """Three activations: one of them read by nothing, one multiplied by no path at all (zeros of its shape)."""

    def __init__(self):
        super().__init__()
        self.read, self.dropped, self.zeroed = nn.ReLU(), nn.ReLU(), nn.ReLU()

    def forward(self, x):
        self.dropped(x - 0.1)
        return (self.read(x) + torch.zeros_like(self.zeroed(x - 0.2))).flatten(1)


def test_naswot_leaves_out_activations_that_lead_nowhere():
    batch = minibatch()
    code = (batch.inputs.flatten(1) > 0).double()
    kernel = code @ code.T + (1 - code) @ (1 - code).T
    assert score("naswot", DeadBranch(), batch) == pytest.approx(float(torch.logdet(kernel)), rel=1e-9)


def test_products_of_codes_are_exact_in_whole_numbers():
    for rows, columns in product((1, 2, 5, 17, 64), (1, 7, 63, 64, 65, 1000, 5000)):
        values = torch.randn(rows, columns, generator=torch.Generator().manual_seed(columns)).relu()
        codes = values.double().sign()
        assert torch.equal(_both_on(values).double(), codes @ codes.T), (rows, columns)


def test_synflow_of_a_chain_is_its_number_of_layers_times_the_product():
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Flatten(), nn.Linear(32, 6, bias=False), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 3, bias=False)
    )
    first, second = (network[k].weight.detach().double().abs().numpy() for k in (1, 4))
    flow = np.ones(3) @ second @ first @ np.ones(32)
    assert score("synflow", network, minibatch()) == pytest.approx(math.log(2 * flow), rel=1e-12)


def test_synflow_of_branches_is_what_finite_differences_give():
    class Branches(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Conv2d(2, 2, 3, padding=1), nn.Conv2d(2, 2, 1)
            self.norm = nn.BatchNorm2d(2)
            self.out = nn.Linear(2, 3)

        def forward(self, x):
            return self.out(self.norm(self.a(x) + self.b(self.a(x)) + x).mean((2, 3)))

    torch.manual_seed(1)
    network = Branches()
    expected = _absolute_flow(network)
    assert score("synflow", network, minibatch()) == pytest.approx(math.log(expected), rel=1e-6)


def _absolute_flow(network):
    copy = type(network)().double()
    copy.load_state_dict(network.state_dict())
    copy.norm = nn.Identity()
    with torch.no_grad():
        for each in copy.parameters():
            each.abs_()
    ones = torch.ones(1, 2, 4, 4, dtype=torch.float64)
    layers = [copy.a, copy.b, copy.out]
    return sum(
        float((each.weight.detach() * difference(lambda: copy(ones).sum(), each.weight.data)).sum()) for each in layers
    )


def test_synflow_of_a_deep_network_stays_a_number_and_says_where_it_cannot():
    def deep(count):
        torch.manual_seed(0)
        return nn.Sequential(nn.Flatten(), nn.Linear(32, 64), *(nn.Linear(64, 64) for _ in range(count)))

    found = [score("synflow", deep(count), minibatch()) for count in (80, 160, 600)]
    assert found[0] > math.log(3.4e38)  # beyond single precision
    assert found[1] == pytest.approx(2 * found[0], rel=0.05)
    assert not math.isfinite(found[2])


def test_zen_is_its_formula_by_hand():
    network, batch = small_network(), minibatch()
    with seeded(7):
        first = torch.randn_like(network[0].weight)
        second = torch.randn_like(network[3].weight)
        torch.randn_like(network[8].weight)
        x, e = torch.randn_like(batch.inputs), torch.randn_like(batch.inputs)
    spread = []

    def normalised(values):
        mean, variance = values.mean((0, 2, 3), keepdim=True), values.var((0, 2, 3), unbiased=False, keepdim=True)
        count = values.numel() / values.shape[1]
        spread.append(math.log(float((variance * count / (count - 1)).mean())) / 2)
        return (values - mean) / (variance + 1e-5).sqrt()

    def features(values):
        return normalised(F.conv2d(normalised(F.conv2d(values, first, padding=1)).relu(), second)).relu()

    change = (features(x) - features(x + 0.01 * e)).abs().sum((1, 2, 3)).mean()
    expected = math.log(float(change)) + sum(spread[:2])
    assert score("zen", network, batch, seed=7) == pytest.approx(expected, rel=1e-9)


class Linked(nn.Module):
    """A stem; a block with an identity, one with a projection, and a sum of two branches that is no residual link."""

    def __init__(self, links, *, inplace):
        super().__init__()
        self.links, self.inplace = links, inplace

        def conv(a, b, kernel=3, stride=1):
            layer = nn.Conv2d(a, b, kernel, stride, padding=kernel // 2, bias=False)
            return nn.Sequential(layer, nn.BatchNorm2d(b))

        self.stem, self.first, self.second = conv(2, 3), conv(3, 3), conv(3, 3)
        self.down, self.after = conv(3, 4, stride=2), conv(4, 4)
        self.left, self.right, self.head = conv(4, 4), conv(4, 4, 1), nn.Linear(4, 3)
        self.projection = conv(3, 4, 1, 2) if links else None
        self.nowhere = conv(4, 4) if links else None

    def forward(self, x):
        x = self.stem(x)
        body = self.second(self.first(x).relu())
        if self.links:
            if self.inplace:
                body += x
            else:
                body = sum([x, body])
        x = body.relu()
        body = self.after(self.down(x).relu())
        x = self.projection(x) + body if self.links else body
        if self.nowhere is not None:
            self.nowhere(x)
        x = self.left(x.relu()) + self.right(x.relu()) + torch.zeros_like(x)
        return self.head(x.mean((2, 3)))


@pytest.mark.parametrize("inplace", [False, True])
def test_zen_leaves_residual_links_out_and_nothing_else(inplace):
    batch = minibatch(count=8)
    plain, linked = (Linked(links, inplace=inplace).double() for links in (False, True))
    assert score("zen", linked, batch, seed=0) == pytest.approx(zen_by_hand(plain, linked, batch), rel=1e-9)


def zen_by_hand(plain, linked, batch):
    """Of the network that has no links, with the weights that the one with links is given."""
    names = [name for name, each in linked.named_modules() if isinstance(each, (nn.Conv2d, nn.Linear))]
    with seeded(0), torch.no_grad():
        drawn = {name: torch.randn_like(linked.get_submodule(name).weight) for name in names}
        x, e = torch.randn_like(batch.inputs), torch.randn_like(batch.inputs)
    for name, each in plain.named_modules():
        if name in drawn:
            each.weight.data = drawn[name]
            if each.bias is not None:
                each.bias.data.zero_()
    norms = [each for each in plain.modules() if isinstance(each, nn.BatchNorm2d)]
    spread = []
    for each in norms:
        each.register_forward_hook(lambda _m, given, _o: spread.append(float(given[0].var((0, 2, 3)).mean()) ** 0.5))
    given = []
    plain.head.register_forward_pre_hook(lambda _m, args: given.append(args[0]))
    with torch.no_grad():
        plain.train()(x)
        plain(x + 0.01 * e)
    change = (given[0] - given[1]).abs().sum(1).mean()
    return float(change.log()) + sum(map(math.log, spread[: len(norms)]))


def test_zico_is_its_formula_in_loops():
    network, first, second = small_network(), minibatch(0), minibatch(1)
    expected = 0.0
    both = zip(gradients(network, first), gradients(network, second), strict=True)
    for one, other in both:
        ratios = []
        for pair in zip(one.flatten().tolist(), other.flatten().tolist(), strict=True):
            deviation = np.std(pair)
            ratios += [np.mean(np.abs(pair)) / deviation] if deviation > 1e-9 else []
        expected += math.log(sum(ratios))
    assert score("zico", network, first, second) == pytest.approx(expected, rel=1e-4)


# What holds for all of them.


def test_together_they_give_what_each_gives_alone():
    network, first, second = small_network(), minibatch(0), minibatch(1)
    alone = {name: score(name, network, first, second, seed=3) for name in PROXIES}
    for names in (list(alone), list(reversed(alone))):
        together = scores(network, first, {name: PROXIES[name]() for name in names}, second=second, seed=3)
        assert together == pytest.approx(alone, rel=1e-9)


def test_a_network_is_left_as_it_was():
    network, first, second = small_network(), minibatch(0), minibatch(1)
    network[0].weight.requires_grad_(False)
    network[3].eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    modes = [each.training for each in network.modules()]
    attributes = [set(each.__dict__) for each in network.modules()]
    scores(network, first, {name: kind() for name, kind in PROXIES.items()}, second=second)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert [each.training for each in network.modules()] == modes
    assert [set(each.__dict__) for each in network.modules()] == attributes
    assert not network[0].weight.requires_grad and network[8].weight.requires_grad
    assert all(each.grad is None for each in network.parameters())
    assert all(each.momentum == 0.1 and each.track_running_stats for each in network if hasattr(each, "momentum"))
    assert not any(each._forward_hooks or each._forward_pre_hooks for each in network.modules())


def test_a_network_whose_pass_fails_is_left_without_hooks():
    network = small_network()
    with pytest.raises(RuntimeError):
        score("naswot", network, Examples(torch.zeros(2, 5, 4, 4, dtype=torch.float64), torch.zeros(2).long()))
    assert not any(each._forward_hooks for each in network.modules())


class Disconnected(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.linear = nn.Conv2d(2, 2, 1), nn.Linear(2, 3)

    def forward(self, x):
        return self.linear(torch.zeros_like(self.conv(x).relu()).mean((2, 3)))


def test_a_network_that_its_input_does_not_reach_has_no_score_or_none_to_speak_of():
    batch = Examples(minibatch().inputs.float(), minibatch().targets)
    found = scores(Disconnected(), batch, {name: kind() for name, kind in PROXIES.items()}, second=batch)
    assert found["synflow"] == found["naswot"] == found["zen"] == -math.inf
    assert math.isnan(found["jacob_cov"])
    assert found["snip"] == found["grad_norm"] == 0
