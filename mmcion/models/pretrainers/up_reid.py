"""UP-ReID: contrast of images, of stripes, and with the original image."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import torch
from mmengine import MessageHub
from torch import Tensor, nn
from torch.nn.functional import normalize

from mmcion.models.losses import (
    consistency_loss,
    queue_contrast_loss,
    stripe_contrast_loss,
)
from mmcion.models.utils import last_output, pool_stripes, visible_stripes
from mmcion.models.utils.shuffle_ranks import apply_on_shuffled_ranks
from mmcion.registry import MODELS
from mmcion.structures import ReIDDataSample
from mmcion.utils.checks import (
    UserError,
    check_at_least,
    check_choice,
    check_interval,
)
from mmcion.utils.dist import gather_rows

from .moco import MoCo


@MODELS.register_module()
class UPReID(MoCo):
    """MoCo with a regularisation within each image.

    Three views of an image: the student sees the first augmented one, the
    teacher the second one and the original image. The loss has three terms:

    - instance: MoCo's, of both augmented views and a queue;
    - consistency of the augmented with the original image, see
      ``consistency_loss``;
    - contrast of the stripes of an image with each other, see
      ``stripe_contrast_loss``.

    Source: Yang et al., "Unleashing potential of unsupervised pre-training
    with intra-identity regularization for person re-identification" (CVPR
    2022), as far as its abstract goes: MoCo's pipeline, the two additional
    terms and hard mining are the paper's. There is no public code; forms,
    weights, temperatures, number of stripes, warm-up and alignment are ours.
    Queue, momentum and temperature are those of LUP.

    Args:
        backbone: Config; its last output is a map ``(N, d, h, w)``.
        projector: Config of ``MLPProjector``, see ``build_on``; a linear layer
            of as many dimensions projects the stripes.
        queue_size: Number of keys in the queue.
        temperature: Of the instance term.
        consistency: Form of the consistency: ``'kl_queue'`` compares
            similarities to the queue, ``'kl_batch'`` those to the keys of all
            ranks, ``'cosine'`` the features themselves.
        consistency_temps: Temperatures of student and teacher.
        num_stripes: Number S of stripes.
        stripe_temperature: Of the contrast of stripes.
        topk_neg: Number of hardest negatives of a stripe; None for no mining.
        stripe_align: ``'view'`` for stripes of the views, ``'box'`` for
            stripes of the image, cut off where a crop ends; needs the views
            of ``BoxedViews``.
        contrasts_original: Whether stripes are also compared with those of
            the original image.
        consistency_weight: Weight of the consistency.
        stripe_weight: Weight of the contrast of stripes.
        warmup_ratio: Fraction of the training in which both weights rise
            linearly from 0.
        options: See ``BasePretrainer``.
    """

    def __init__(
        self,
        backbone: dict[str, Any],
        projector: dict[str, Any],
        queue_size: int = 65536,
        temperature: float = 0.1,
        consistency: str = 'kl_queue',
        consistency_temps: tuple[float, float] = (0.1, 0.1),
        num_stripes: int = 4,
        stripe_temperature: float = 0.1,
        topk_neg: int | None = 1,
        stripe_align: str = 'view',
        contrasts_original: bool = True,
        consistency_weight: float = 1.0,
        stripe_weight: float = 1.0,
        warmup_ratio: float = 0.05,
        **options: Any,
    ) -> None:
        super().__init__(
            backbone, projector, queue_size, temperature, **options
        )
        forms = ('kl_queue', 'kl_batch', 'cosine')
        check_choice('consistency', consistency, forms)
        check_choice('stripe_align', stripe_align, ('view', 'box'))
        check_interval(
            '(0, inf)',
            student_temp=consistency_temps[0],
            teacher_temp=consistency_temps[1],
            stripe_temperature=stripe_temperature,
        )
        check_interval('[0, 1]', warmup_ratio=warmup_ratio)
        check_at_least(2, num_stripes=num_stripes)
        if topk_neg is not None:
            check_at_least(1, topk_neg=topk_neg)
        self.consistency = consistency
        self.consistency_temps = consistency_temps
        self.num_stripes = num_stripes
        self.stripe_temperature = stripe_temperature
        self.topk_neg = topk_neg
        self.stripe_align = stripe_align
        self.contrasts_original = contrasts_original
        self.consistency_weight = consistency_weight
        self.stripe_weight = stripe_weight
        self.warmup_ratio = warmup_ratio
        layers = self.student.projector
        width, channels = layers.mlp[0].in_features, layers.out_channels
        self.student.stripe_projector = nn.Linear(width, channels)
        self.teacher.stripe_projector = deepcopy(
            self.student.stripe_projector
        ).requires_grad_(False)

    def encode(self, encoder: Any, views: Tensor, boxes: Tensor) -> Tensor:
        """Return the vectors of V views of each image, and of their stripes.

        Args:
            encoder: Student or teacher.
            views: ``(B, V, 3, h, w)``.
            boxes: ``(B, V, 4)``, see ``pool_stripes``.

        Returns:
            ``(B, V, 1 + S, D)`` unit vectors: the view's and its stripes'.
        """
        images = views.flatten(0, 1)
        images = images.contiguous(memory_format=self.memory_format)
        maps = last_output(encoder.backbone(images))  # (B V, d, h, w)
        if maps.dim() != 4:
            raise UserError('UPReID needs a backbone that ends in a map.')
        feats = encoder.projector(maps.mean((2, 3)))
        stripes = pool_stripes(maps, boxes.flatten(0, 1), self.num_stripes)
        # half precision would not keep them on the sphere
        stripes = normalize(encoder.stripe_projector(stripes).float(), dim=2)
        vectors = torch.cat((feats[:, None], stripes), 1)
        return vectors.unflatten(0, views.shape[:2])

    def loss(
        self, views: list[Tensor], data_samples: list[ReIDDataSample]
    ) -> dict[str, Tensor]:
        """Return the losses of two augmented views and the original image.

        With them ``stripe_similarity``, the mean cosine of different stripes
        of an image: near 1 when stripes have collapsed.
        """
        inputs = torch.stack(views, 1)  # (B, 3, 3, h, w)
        boxes = inputs.new_tensor([0.0, 0.0, 1.0, 1.0])
        boxes = boxes.expand(*inputs.shape[:2], -1)
        if self.stripe_align == 'box':
            crops = [sample.crop_boxes for sample in data_samples]
            boxes = boxes.new_tensor(crops)
        # (B, 2, 1 + S, D) of the second view and the original, in one pass as
        # for all adjacent views of one size
        teacher = apply_on_shuffled_ranks(
            lambda *x: self.encode(self.teacher, *x),
            inputs[:, 1:],
            boxes[:, 1:],
        )
        student = self.encode(self.student, inputs[:, :1], boxes[:, :1])[:, 0]
        queries, stripes = student[:, 0], student[:, 1:]
        keys, originals = teacher[:, :, 0].unbind(1)
        # the queue is that before the step
        queue = self.queue.feats
        instance = queue_contrast_loss(queries, keys, queue, self.temperature)
        references = queue if self.consistency == 'kl_queue' else None
        if self.consistency == 'kl_batch':
            references = gather_rows(keys)
        consistency = consistency_loss(
            queries, originals, references, *self.consistency_temps
        )
        contrast = self.contrast_stripes(stripes, teacher[:, :, 1:], boxes)
        self.queue.enqueue(keys)
        warmth = self.warmth()
        return {
            'loss_instance': instance,
            'loss_consistency': warmth * self.consistency_weight * consistency,
            'loss_stripes': warmth * self.stripe_weight * contrast,
            'stripe_similarity': _mean_similarity(stripes.detach()),
        }

    def contrast_stripes(
        self, stripes: Tensor, keys: Tensor, boxes: Tensor
    ) -> Tensor:
        """Return the contrast of the student's stripes with the teacher's.

        Args:
            stripes: ``(B, S, D)`` of the student's view.
            keys: ``(B, 2, S, D)`` of the second view and the original.
            boxes: ``(B, 3, 4)`` of all three.
        """
        visible = visible_stripes(boxes.flatten(0, 1), self.num_stripes)
        visible = visible.unflatten(0, boxes.shape[:2])  # (B, 3, S)
        used = 2 if self.contrasts_original else 1
        return stripe_contrast_loss(
            stripes,
            keys[:, :used].movedim(1, 0),
            self.stripe_temperature,
            self.topk_neg,
            visible[:, 0],
            visible[:, 1 : 1 + used].movedim(1, 0),
        )

    def warmth(self) -> float:
        """Return the factor of both additional terms at this iteration."""
        hub = MessageHub.get_current_instance()
        done, last = hub.get_info('iter', 0), hub.get_info('max_iters', 0)
        warmup = self.warmup_ratio * last
        return min((done + 1) / warmup, 1.0) if warmup > 1 else 1.0


def _mean_similarity(stripes: Tensor) -> Tensor:
    """Return the mean cosine of different stripes ``(B, S, D)`` per image."""
    count = stripes.shape[1]
    # |sum of S unit vectors|^2 = S + sum of the cosines of all pairs
    total = stripes.float().sum(1).square().sum(1)
    return ((total - count) / (count * (count - 1))).mean()
