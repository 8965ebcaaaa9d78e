"""TwoStreamResNet: a stem for each modality, then shared stages."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from copy import deepcopy
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from mmcion.registry import MODELS
from mmcion.utils.checks import UserError, check_choice

from .non_local_resnet import NonLocalResNet

MODALITIES = ('visible', 'thermal')
_STEM = ('conv1', 'bn1')


@MODELS.register_module()
class TwoStreamResNet(NonLocalResNet):
    """Visible and thermal images pass stems of their own, then shared stages.

    The modality of an image is known by its camera. Training starts from
    weights of a ResNet, whose stem both modalities get, or from those of
    MMGL, ours or the authors'. Source: the code of MMGL's fine-tuning and of
    Ye et al., "Deep learning for person re-identification: a survey and
    outlook" (TPAMI 2021).

    Args:
        trunk: See ``NonLocalResNet``; its stem is that of visible images.
        thermal_cams: Cameras of thermal (infrared) images: 3 and 6 of
            SYSU-MM01, 1 of RegDB.
        unknown: Modality of images without a camera, such as those of a
            ``FeatureExtractor``; None refuses them.
        options: Further options of ``NonLocalResNet``.
    """

    takes_cameras: ClassVar[bool] = True  # see ReIDModel

    def __init__(
        self,
        trunk: dict[str, Any],
        thermal_cams: Collection[int],
        unknown: str | None = None,
        **options: Any,
    ) -> None:
        super().__init__(trunk, **options)
        check_choice('unknown', unknown, (*MODALITIES, None))
        self.thermal_cams = frozenset(thermal_cams)
        self.unknown = unknown
        self.thermal = nn.ModuleDict(
            {name: deepcopy(getattr(self.trunk, name)) for name in _STEM}
        )

    def adapt_weights(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return own tensors, given those of a ResNet or of MMGL, or all."""
        if any(name.startswith('visible_module.') for name in tensors):
            return super().adapt_weights(_from_mmgl(tensors))
        own = super().adapt_weights(tensors)
        # of a ResNet alone; other names are not those of its stem
        stem = {
            f'thermal.{name}': tensor
            for name, tensor in tensors.items()
            if name.split('.')[0] in _STEM
        }
        return {**stem, **own}

    def forward(
        self, x: Tensor, cam_ids: Sequence[int] | None = None
    ) -> Tensor:
        """Map images to a map ``(N, d, h, w)``.

        Args:
            x: ``(N, 3, H, W)``.
            cam_ids: N cameras, -1 if unknown; None if all are.
        """
        is_thermal = self._is_thermal(cam_ids)
        if isinstance(is_thermal, bool):  # all of one modality
            return self.stages(self._stem(x, is_thermal))
        chosen = torch.tensor(is_thermal, device=x.device)
        # visible rows, then thermal ones
        order = torch.argsort(chosen.int(), stable=True)
        streams = [self._stem(x[~chosen], False), self._stem(x[chosen], True)]
        return self.stages(torch.cat(streams)[order.argsort()])

    def _is_thermal(self, cam_ids: Sequence[int] | None) -> bool | list[bool]:
        """Return the modality of each image, or the one of all."""
        if (cam_ids is None or min(cam_ids) < 0) and self.unknown is None:
            raise UserError(
                'an image has no camera, which tells its modality: set '
                'model.backbone.unknown to visible or thermal.'
            )
        unknown = self.unknown == 'thermal'
        if cam_ids is None:
            return unknown
        found = [
            unknown if cam_id < 0 else cam_id in self.thermal_cams
            for cam_id in cam_ids
        ]
        return found[0] if len(set(found)) == 1 else found

    def _stem(self, x: Tensor, thermal: bool) -> Tensor:
        if not thermal:
            return self.stem(x)
        return self.after_stem(self.thermal['bn1'](self.thermal['conv1'](x)))


def _from_mmgl(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the parts that MMGL's modules use, of the ResNet in each."""
    state = {}
    for name, tensor in tensors.items():
        module, _, rest = name.partition('.')
        layer = rest.partition('.')[2]  # behind visible., thermal. and base.
        is_stem = layer.split('.')[0] in _STEM
        if module == 'visible_module' and is_stem:
            state[layer] = tensor
        elif module == 'thermal_module' and is_stem:
            state[f'thermal.{layer}'] = tensor
        elif module == 'base_resnet' and layer.startswith('layer'):
            state[layer] = tensor
    return state
