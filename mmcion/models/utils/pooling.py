"""From a backbone's output to one feature per image."""

from torch import Tensor

from mmcion.utils.checks import UserError


def last_output(outputs: Tensor | tuple[Tensor, ...]) -> Tensor:
    """Return the last output of a backbone, which may return one per stage."""
    return outputs[-1] if isinstance(outputs, tuple | list) else outputs


def pooled_feature(outputs: Tensor | tuple[Tensor, ...]) -> Tensor:
    """Return the feature ``(N, d)`` of a backbone's output.

    The last one of a tuple is used. A map ``(N, d, h, w)`` is averaged over
    space, a vector ``(N, d)`` is returned as it is.
    """
    last = last_output(outputs)
    if last.dim() == 4:
        return last.mean((2, 3))
    if last.dim() == 2:
        return last
    raise UserError(
        f'a backbone must end in (N, d, h, w) or (N, d); got {(*last.shape,)}.'
    )
