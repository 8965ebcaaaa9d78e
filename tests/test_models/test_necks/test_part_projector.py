import torch
from torch.nn.functional import normalize

from mmcion.models import PartProjector


def test_parts_are_projected_each_by_its_own_layer():
    neck = PartProjector(5, num_parts=3, out_channels=4)
    maps = torch.randn(2, 5, 6, 2, generator=torch.Generator().manual_seed(0))
    parts = neck((maps,))
    assert parts.shape == (2, 3, 4)
    for number, part in enumerate(parts.unbind(1)):
        rows = maps[:, :, 2 * number : 2 * number + 2].mean((2, 3))
        expected = normalize(neck.layers[number](rows), dim=1)
        torch.testing.assert_close(part, expected)


def test_any_height_has_all_parts():
    neck = PartProjector(5, num_parts=6)
    parts = neck(torch.randn(2, 5, 4, 2))
    assert parts.shape == (2, 6, 256)
