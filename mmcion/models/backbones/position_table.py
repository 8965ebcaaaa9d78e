"""Position tables for images of another size."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import interpolate


def fit_position_table(table: Tensor, height: int, width: int) -> Tensor:
    """Interpolate a position table to another grid, as DINO does.

    The scale factor, not the size, gives the coordinates, with a tenth of a
    cell added against rounding: trained weights depend on it. A grid of the
    same shape is left as it is.

    Args:
        table: ``(1, h, w, d)``.
        height: rows of the grid that is wanted.
        width: columns of the grid that is wanted.

    Returns:
        ``(1, height, width, d)``.
    """
    rows, columns = table.shape[1:3]
    if (rows, columns) == (height, width):
        return table
    scale = ((height + 0.1) / rows, (width + 0.1) / columns)
    grid = table.permute(0, 3, 1, 2)
    return interpolate(grid, scale_factor=scale, mode='bicubic').permute(
        0, 2, 3, 1
    )
