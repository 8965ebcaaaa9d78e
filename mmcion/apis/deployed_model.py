"""DeployedModel: what of a model leaves the toolbox."""

from __future__ import annotations

from copy import deepcopy

from mmengine.model import BaseModel
from timm.utils.model import reparameterize_model
from torch import Tensor, nn
from torch.nn.functional import normalize


class DeployedModel(nn.Module):
    """A copy of a model in eval mode on the CPU, from images to features.

    Branches that only training needs, as of FastViT and RepViT, can be fused
    by ``fuse``.

    Args:
        model: ``model(inputs)`` gives ``(N, d)``; has a
            ``ReIDDataPreprocessor``.
        with_preprocess: take uint8 RGB images ``(N, H, W, 3)`` of 0 to 255,
            as decoders give them. Without, float RGB images ``(N, 3, H, W)``
            that are normalised already.
        l2_norm: give features of length 1.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        model: BaseModel,
        *,
        with_preprocess: bool = False,
        l2_norm: bool = False,
    ) -> None:
        super().__init__()
        self.model = deepcopy(model).cpu().float().eval()
        self.requires_grad_(False)
        self.with_preprocess = with_preprocess
        self.l2_norm = l2_norm
        preprocessor = model.data_preprocessor
        self.register_buffer('mean', preprocessor.mean.cpu() * 255)
        self.register_buffer('std', preprocessor.std.cpu() * 255)

    def forward(self, images: Tensor) -> Tensor:
        """Map images to features ``(N, d)``."""
        if self.with_preprocess:
            images = images.permute(0, 3, 1, 2).float()
            images = (images - self.mean) / self.std
        feats = self.model(images)
        return normalize(feats) if self.l2_norm else feats

    def fuse(self) -> bool:
        """Fuse parallel branches into single convolutions, in place.

        Returns:
            Whether there were any.
        """
        before = sum(tensor.numel() for tensor in self.parameters())
        reparameterize_model(self.model, inplace=True)
        self.requires_grad_(False)
        return before != sum(tensor.numel() for tensor in self.parameters())
