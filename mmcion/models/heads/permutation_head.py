"""PermutationHead: which stripe of an image was where."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss, one_hot

from mmcion.models.losses import sinkhorn
from mmcion.registry import MODELS
from mmcion.utils.checks import check_at_least, check_interval


@MODELS.register_module()
class PermutationHead(nn.Module):
    """Recover the order of an image's stripes from its pooled feature.

    The mean squared difference between the true permutation matrix and the
    predicted one, which ``sinkhorn`` makes of n^2 logits. Both modalities
    share it. Source: MMGL (Wan et al., IEEE TIFS 2023), whose figure has 6
    stripes, one linear layer and 20 iterations. Ours are the mean over
    entries and the bound.

    Args:
        in_channels: Dimensions d of the pooled features.
        num_stripes: Number of stripes n.
        hidden_channels: Width of a hidden layer with ReLU; None for none.
            The authors' checkpoints name two layers, of unknown sizes.
        num_iterations: See ``sinkhorn``.
        temperature: Divides the logits. A run of the authors' is named 0.8.
        max_logit: Smooth bound of the logits' magnitude, since the rows of
            large ones do not converge; None for none.
        loss_weight: Factor of the loss; n^2 makes the mean over entries a
            sum. Which of them the authors have is not known.
    """

    def __init__(
        self,
        in_channels: int,
        num_stripes: int = 6,
        hidden_channels: int | None = None,
        num_iterations: int = 20,
        temperature: float = 1.0,
        max_logit: float | None = 4.0,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__()
        check_at_least(2, num_stripes=num_stripes)
        check_at_least(1, num_iterations=num_iterations)
        check_interval('(0, inf)', temperature=temperature)
        self.num_stripes = num_stripes
        self.num_iterations = num_iterations
        self.temperature = temperature
        self.max_logit = max_logit
        self.loss_weight = loss_weight
        layers: list[nn.Module] = []
        if hidden_channels is not None:
            layers = [nn.Linear(in_channels, hidden_channels), nn.ReLU()]
            in_channels = hidden_channels
        layers.append(nn.Linear(in_channels, num_stripes**2))
        self.layers = nn.Sequential(*layers)

    def forward(self, feats: Tensor) -> Tensor:
        """Map ``(N, d)`` to matrices ``(N, n, n)``, not negative.

        Entry (i, j) is large if place i of the image shows its stripe j.
        """
        logits = self.layers(feats).unflatten(1, (self.num_stripes, -1))
        logits = logits / self.temperature
        if self.max_logit is not None:
            logits = self.max_logit * torch.tanh(logits / self.max_logit)
        return sinkhorn(logits, self.num_iterations)

    def loss(self, feats: Tensor, orders: Tensor) -> dict[str, Tensor]:
        """Return ``loss_permutation``, and the ``order_accuracy``.

        The accuracy is the ratio of places whose largest entry is that of
        their stripe.

        Args:
            feats: ``(N, d)``.
            orders: ``(N, n)`` stripe that is shown at each place.
        """
        matrices = self(feats)
        truth = one_hot(orders, self.num_stripes).to(matrices.dtype)
        hits = matrices.argmax(2) == orders
        return {
            'loss_permutation': self.loss_weight * mse_loss(matrices, truth),
            'order_accuracy': hits.to(matrices.dtype).mean(),
        }
