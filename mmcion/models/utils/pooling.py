"""From a backbone's output to one feature per image."""

from torch import Tensor


def pooled_feature(outputs: Tensor | tuple[Tensor, ...]) -> Tensor:
    """Return ``(N, d)`` of a backbone's output.

    Args:
        outputs: a tensor or a tuple whose last counts; a map ``(N, d, h, w)``
            is averaged over space, a vector ``(N, d)`` is taken as it is.

    Raises:
        ValueError: if the last output is neither.
    """
    last = outputs[-1] if isinstance(outputs, tuple | list) else outputs
    if last.dim() == 4:
        return last.mean((2, 3))
    if last.dim() == 2:
        return last
    raise ValueError(
        f'a backbone must end in (N, d, h, w) or (N, d); got '
        f'{tuple(last.shape)}'
    )
