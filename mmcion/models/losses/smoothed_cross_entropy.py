"""Cross-entropy with the kinds of label smoothing that ReID uses."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import cross_entropy

SMOOTHED_OVER = ('all', 'others')


def smoothed_cross_entropy(
    logits: Tensor,
    labels: Tensor,
    smoothing: float = 0.0,
    smoothed_over: str = 'all',
) -> Tensor:
    """Return the mean cross-entropy with smoothed targets.

    Args:
        logits: ``(N, C)``.
        labels: ``(N,)`` classes.
        smoothing: Fraction e of the target that is spread, in [0, 1]; 0 for
            the plain cross-entropy.
        smoothed_over: ``'all'`` spreads e over all C classes, the label's
            too, as the strong baseline (BoT) and AGW do; ``'others'`` over
            the C - 1 other ones, as fast-reid does.
    """
    classes = logits.shape[1]
    if smoothed_over == 'others':
        # e' / C = e / (C - 1), and 1 - e' + e' / C = 1 - e: the same targets
        smoothing *= classes / max(classes - 1, 1)
    return cross_entropy(logits, labels, label_smoothing=smoothing)
