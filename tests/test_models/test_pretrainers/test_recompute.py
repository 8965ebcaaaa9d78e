from copy import deepcopy

import pytest
import torch
from torch import nn

from mmcion.models.pretrainers.recompute import recompute_activations
from mmcion.utils.checks import UserError


def make_network():
    torch.manual_seed(0)
    blocks = [
        nn.Sequential(nn.Linear(6, 6), nn.BatchNorm1d(6), nn.Dropout(0.5))
        for _ in range(3)
    ]
    return nn.Sequential(nn.Linear(6, 6), nn.Sequential(*blocks))


def forward_and_backward(network):
    torch.manual_seed(1)  # of dropout
    x = torch.linspace(-1, 1, 48).view(8, 6).sin()
    out = network(x)
    out.square().sum().backward()
    return out.detach(), [p.grad for p in network.parameters()]


def test_step_and_statistics_stay_the_same():
    plain, network = make_network(), make_network()
    recompute_activations(network, r'1\.\d')
    assert network.state_dict().keys() == plain.state_dict().keys()
    torch.testing.assert_close(
        forward_and_backward(network), forward_and_backward(plain)
    )
    torch.testing.assert_close(network.state_dict(), plain.state_dict())
    assert network[1][0][1].num_batches_tracked == 1


def test_matching_modules_run_twice_and_others_once():
    network = make_network()
    recompute_activations(network, r'1\.[01]')
    runs = []
    for name, module in network.named_modules():
        if isinstance(module, nn.Linear):
            module.register_forward_hook(
                lambda *_, name=name: runs.append(name)
            )
    forward_and_backward(network)
    assert runs == ['0', '1.0.0', '1.1.0', '1.2.0', '1.1.0', '1.0.0']


def test_nothing_is_recomputed_without_gradient():
    network = make_network()
    recompute_activations(network, r'1\.\d')
    with torch.no_grad():
        out = network.eval()(torch.ones(2, 6))
    expected = make_network().eval()(torch.ones(2, 6))
    torch.testing.assert_close(out, expected.detach())


def test_activations_are_not_kept():
    def kept_bytes(network):
        kept = []
        pack = torch.autograd.graph.saved_tensors_hooks(
            lambda x: kept.append(x.nbytes) or x, lambda x: x
        )
        with pack:
            network(torch.ones(64, 6).cumsum(0))
        return sum(kept)

    network, plain = make_network(), make_network()
    recompute_activations(network, r'1\.\d')
    assert kept_bytes(network) < kept_bytes(plain) / 2


def test_part_of_a_name_is_no_match():
    network = make_network()
    untouched = deepcopy(network)
    with pytest.raises(UserError, match="'block'"):
        recompute_activations(network, 'block')
    with pytest.raises(UserError, match='matches none of'):
        recompute_activations(network, r'1\.')
    assert forward_and_backward(network)[0].equal(
        forward_and_backward(untouched)[0]
    )
