"""Position embeddings for images of another size."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import interpolate


def fit_position_table(table: Tensor, height: int, width: int) -> Tensor:
    """Interpolate position embeddings ``(1, h, w, d)`` to another grid.

    As DINO does: coordinates follow from the scale factor, not the size.
    Trained weights depend on it.
    """
    rows, columns = table.shape[1:3]
    if (rows, columns) == (height, width):
        return table
    # 0.1 against rounding down
    scale = ((height + 0.1) / rows, (width + 0.1) / columns)
    grid = table.permute(0, 3, 1, 2)  # (1, d, h, w)
    return interpolate(grid, scale_factor=scale, mode='bicubic').permute(
        0, 2, 3, 1
    )
