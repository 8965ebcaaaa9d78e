"""Position embeddings for images of another size."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import interpolate


def fit_position_table(table: Tensor, height: int, width: int) -> Tensor:
    """Interpolate a table of position embeddings to another grid.

    As DINO does: coordinates follow from the scale factor, not the size, with
    0.1 added to the size against rounding down. Trained weights depend on it.
    A grid of the same shape is returned unchanged.

    Args:
        table: ``(1, h, w, d)``.
        height: Rows of the result.
        width: Columns of the result.

    Returns:
        ``(1, height, width, d)``.
    """
    rows, columns = table.shape[1:3]
    if (rows, columns) == (height, width):
        return table
    scale = ((height + 0.1) / rows, (width + 0.1) / columns)
    grid = table.permute(0, 3, 1, 2)  # (1, d, h, w)
    return interpolate(grid, scale_factor=scale, mode='bicubic').permute(
        0, 2, 3, 1
    )
