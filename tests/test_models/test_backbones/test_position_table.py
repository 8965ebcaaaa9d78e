import math

import pytest
import torch

from mmcion.models.backbones.position_table import fit_position_table


def table(rows, columns):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(
        1, rows, columns, 3, generator=generator, dtype=torch.float64
    )


def cubic_weights(fraction, a=-0.75):
    def near(x):
        return ((a + 2) * x - (a + 3)) * x * x + 1

    def far(x):
        return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a

    t = fraction
    return far(1 + t), near(t), near(1 - t), far(2 - t)


def resample(lines, length, factor):
    """Cubic interpolation of the rows of (h, ...) by the factor itself."""
    result = []
    for i in range(length):
        place = (i + 0.5) / factor - 0.5
        start = math.floor(place)
        weights = cubic_weights(place - start)
        picks = [min(max(start + k, 0), len(lines) - 1) for k in (-1, 0, 1, 2)]
        result.append(
            sum(w * lines[k] for w, k in zip(weights, picks, strict=True))
        )
    return torch.stack(result)


@pytest.mark.parametrize('size', [(8, 4), (24, 8), (14, 14), (1, 1), (8, 16)])
def test_equals_the_published_rule(size):
    # as in DINO: (size + 0.1) / (stored size) is the factor
    grid = table(16, 8)
    found = fit_position_table(grid, *size)
    expected = resample(grid[0], size[0], (size[0] + 0.1) / 16)
    expected = resample(
        expected.transpose(0, 1), size[1], (size[1] + 0.1) / 8
    ).transpose(0, 1)
    assert found.shape == (1, *size, 3)
    torch.testing.assert_close(found[0], expected)


def test_same_grid_is_left_alone():
    grid = table(16, 8)
    assert fit_position_table(grid, 16, 8) is grid


@pytest.mark.parametrize('side', range(1, 40))
def test_every_size_comes_out(side):
    assert fit_position_table(table(16, 8), side, 40 - side).shape == (
        1,
        side,
        40 - side,
        3,
    )
