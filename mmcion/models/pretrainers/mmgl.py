"""MMGL: pre-training on visible and infrared images without labels."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, ClassVar

import torch
from torch import Tensor

from mmcion.models.losses import cycle_contrast_loss
from mmcion.models.utils import (
    build_on,
    camera_inputs,
    pooled_feature,
)
from mmcion.registry import MODELS
from mmcion.structures import ReIDDataSample
from mmcion.utils.checks import UserError

from .base_pretrainer import BasePretrainer


@MODELS.register_module()
class MMGL(BasePretrainer):
    """Recover shuffled stripes, and match parts across modalities.

    Images are unpaired and have no labels; there is no teacher. The stripes
    of an image change places, and its pooled feature must tell the order; the
    n-th visible and the n-th thermal image of a batch have the same one. Each
    part must retrieve the same from both modalities.

    Source: Wan et al., "Self-supervised modality-aware multiple granularity
    pre-training for RGB-infrared person re-identification" (IEEE TIFS 2023).
    Their code of the pre-training is not public: the README of
    ``configs/mmgl`` says what is theirs and what is our reading.

    Args:
        backbone: Config of ``TwoStreamResNet``, or of one stream for both.
        projector: Config of ``PartProjector``.
        head: Config of ``PermutationHead``.
        thermal_cams: Cameras of thermal images.
        cycle_weight: Weight of the cycle contrast; 0.5 in most of the
            authors' runs.
        cycle: Options of ``cycle_contrast_loss``.
        options: See ``BasePretrainer``.
    """

    released: ClassVar[str] = 'student'
    has_teacher: ClassVar[bool] = False

    def __init__(
        self,
        backbone: dict[str, Any],
        projector: dict[str, Any],
        head: dict[str, Any],
        thermal_cams: Collection[int],
        cycle_weight: float = 0.5,
        cycle: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(backbone, projector, **options)
        self.head = build_on(self.student.backbone, head, 'model.head')
        self.thermal_cams = frozenset(thermal_cams)
        self.cycle_weight = cycle_weight
        self.cycle = cycle or {}

    def loss(
        self, views: list[Tensor], data_samples: list[ReIDDataSample]
    ) -> dict[str, Tensor]:
        """Return both losses of one view ``(N, 3, H, W)`` of a batch."""
        (images,) = views
        found = [sample.cam_id in self.thermal_cams for sample in data_samples]
        if len(set(found)) != 2:
            raise UserError(
                f'a batch needs visible and thermal images, those of cameras '
                f'{sorted(self.thermal_cams)}: set thermal_cams of model and '
                f'batch_sampler.'
            )
        is_thermal = torch.tensor(found, device=images.device)
        orders = draw_orders(found, self.head.num_stripes).to(images.device)
        shuffled = shuffle_stripes(images, orders)
        shuffled = shuffled.contiguous(memory_format=self.memory_format)
        backbone = self.student.backbone
        cameras = camera_inputs(backbone, data_samples)
        maps = backbone(shuffled, **cameras)
        losses = self.head.loss(pooled_feature(maps), orders)
        parts = self.student.projector(maps)  # (N, n, D)
        # (N, n, D) -> (P, D) and (Q, D), all parts of a modality
        banks = (
            parts[rows].flatten(0, 1) for rows in (~is_thermal, is_thermal)
        )
        cycle = cycle_contrast_loss(*banks, **self.cycle)
        return {**losses, 'loss_cycle': self.cycle_weight * cycle}


def draw_orders(is_thermal: list[bool], num_stripes: int) -> Tensor:
    """Draw an order of stripes ``(N, n)`` for each image of a batch.

    The n-th images of both modalities share one (MMGL's figure).
    """
    counts = [0, 0]
    numbers = []  # of an image within its modality
    for thermal in is_thermal:
        numbers.append(counts[thermal])
        counts[thermal] += 1
    orders = torch.rand(max(counts), num_stripes).argsort(1)
    return orders[numbers]


def shuffle_stripes(images: Tensor, orders: Tensor) -> Tensor:
    """Show stripe ``orders[:, i]`` of each image at place i.

    Args:
        images: ``(N, C, H, W)``; n divides H.
        orders: ``(N, n)`` permutations of the n stripes.
    """
    num_stripes = orders.shape[1]
    if images.shape[2] % num_stripes:
        raise UserError(
            f'num_stripes ({num_stripes}) must divide the height of images '
            f'({images.shape[2]}).'
        )
    # (N, C, H, W) -> (N, C, n, H / n, W)
    stripes = images.unflatten(2, (num_stripes, -1))
    chosen = orders[:, None, :, None, None].expand_as(stripes)
    return stripes.gather(2, chosen).flatten(2, 3)
