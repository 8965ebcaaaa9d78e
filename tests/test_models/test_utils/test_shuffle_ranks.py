import torch

from mmcion.models.utils.shuffle_ranks import apply_on_shuffled_ranks
from tests.dist_utils import run_on_ranks


def test_alone_it_is_the_network():
    images = torch.randn(3, 2)
    rows = apply_on_shuffled_ranks(lambda x: 2 * x, images)
    torch.testing.assert_close(rows, 2 * images)


def shuffle_on_rank():
    rank = torch.distributed.get_rank()
    torch.manual_seed(rank)  # as in training, every rank draws its own
    images = torch.arange(4.0)[:, None] + 10 * rank
    seen = []

    def network(x, other):
        seen.append(x.flatten().tolist())
        assert torch.equal(other, -x)  # what belongs to an image stays with it
        return x + 0.5

    rows = apply_on_shuffled_ranks(network, images, -images)
    return seen[0], rows.flatten().tolist(), images.flatten().tolist()


def test_ranks_get_their_own_rows_from_whoever_computed_them():
    ranks = run_on_ranks(shuffle_on_rank)
    everyone = sorted(x for seen, *_ in ranks for x in seen)
    assert everyone == sorted(x for *_, images in ranks for x in images)
    for seen, rows, images in ranks:
        assert rows == [x + 0.5 for x in images]
        assert {x >= 10 for x in seen} == {True, False}
