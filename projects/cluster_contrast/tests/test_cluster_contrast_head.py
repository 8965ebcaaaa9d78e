import torch
from torch.nn.functional import cross_entropy, normalize

from ..cluster_contrast import ClusterContrastHead


def test_features_are_normalised_and_move_the_memory():
    memory = {'type': 'ClusterMemory', 'temperature': 0.1}
    head = ClusterContrastHead(4, memory).double()
    rng = torch.Generator().manual_seed(0)
    feats, centers = (
        torch.randn(n, 4, generator=rng, dtype=torch.float64) for n in (6, 3)
    )
    head.memory.reset(centers)
    pids = [0, 2, 2, 0, 0, 2]
    losses = head.loss(None, feats, pids)
    logits = normalize(feats) @ normalize(centers).T / 0.1
    expected = cross_entropy(logits, torch.tensor(pids))
    torch.testing.assert_close(losses, {'loss_contrast': expected})
    moved = (head.memory.centers - normalize(centers)).abs().sum(1) > 1e-9
    assert moved.tolist() == [True, False, True]
