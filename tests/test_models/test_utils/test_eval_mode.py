import threading

import torch
from torch import nn

from mmcion.models.utils import eval_mode


def make_network():
    network = nn.Sequential(nn.BatchNorm1d(2), nn.Dropout())
    network[0].eval()  # as a frozen part is
    return network


def modes(network):
    return [module.training for module in network.modules()]


def test_modes_are_restored_module_by_module():
    network = make_network()
    before = modes(network)
    with eval_mode(network):
        assert not any(modes(network))
        network(torch.randn(4, 2))
    assert modes(network) == before == [True, False, True]
    assert network[0].num_batches_tracked == 0


def test_modes_are_restored_after_an_error():
    network = make_network()
    try:
        with eval_mode(network):
            raise ValueError
    except ValueError:
        assert network.training


def test_last_of_several_threads_restores():
    network = make_network()
    inside, leave = threading.Event(), threading.Event()

    def hold():
        with eval_mode(network):
            inside.set()
            leave.wait(10)

    thread = threading.Thread(target=hold)
    with eval_mode(network):
        thread.start()
        inside.wait(10)
    assert not any(modes(network))
    leave.set()
    thread.join()
    assert modes(network) == [True, False, True]
