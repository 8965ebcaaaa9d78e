"""MLPProjector: from pooled features to unit vectors to compare."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import normalize

from mmcion.registry import MODELS


@MODELS.register_module()
class MLPProjector(nn.Module):
    """Linear layer, ReLU, linear layer and L2 norm.

    Source: MoCo v2 (arXiv 2003.04297), section 3, which SimCLR introduced.

    Args:
        in_channels: Dimensions d of the pooled features.
        out_channels: Dimensions D of the unit vectors.
        hidden_channels: Width of the hidden layer; d if None.
        kaiming_init: Initialise weights by He's rule for ReLU (fan-out), as
            PNL, and not as PyTorch's layers do by themselves, as MoCo.
        output_bn: Batch-normalise the output, without affine parameters, as
            MoCo v3 (arXiv 2104.02057). The unit vectors of a random network
            are nearly the same without it, which takes a short schedule long
            to change.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int = 128,
        hidden_channels: int | None = None,
        kaiming_init: bool = False,
        output_bn: bool = False,
    ) -> None:
        super().__init__()
        self.out_channels = out_channels
        hidden = hidden_channels or in_channels
        self.mlp = nn.Sequential(
            nn.Linear(in_channels, hidden),
            nn.ReLU(inplace=True),
            nn.Linear(hidden, out_channels),
        )
        for layer in self.mlp if kaiming_init else ():
            if isinstance(layer, nn.Linear):
                nn.init.kaiming_normal_(
                    layer.weight, mode='fan_out', nonlinearity='relu'
                )
                nn.init.zeros_(layer.bias)
        if output_bn:
            self.mlp.append(nn.BatchNorm1d(out_channels, affine=False))

    def forward(self, feats: Tensor) -> Tensor:
        """Map ``(N, d)`` features to unit vectors ``(N, D)``, float32."""
        # half precision would not keep them on the sphere
        return normalize(self.mlp(feats).float(), dim=1)
