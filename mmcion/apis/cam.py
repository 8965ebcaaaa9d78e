"""Activation maps: which parts of an image make its feature."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate
from torch.nn.functional import normalize as l2_normalize
from torch.utils.hooks import RemovableHandle

from mmcion.models.backbones import VOLO, VisionTransformerICS
from mmcion.models.utils import eval_mode
from mmcion.utils.checks import UserError, check_choice

from .as_images import Images, as_images
from .features import FeatureExtractor, PreparedImages

_BATCH = 16
_SKEW = 1.5  # largest ratio of a cell's height to its width, or inverse


@dataclass
class ActivationMaps:
    """Images as the model sees them, with maps of what makes their features.

    Each map is scaled by itself, so values cannot be compared between images;
    a constant map is 0.
    """

    images: np.ndarray  # (N, H, W, 3) uint8 RGB
    maps: np.ndarray  # (N, H, W) float32 in [0, 1]
    similarity: np.ndarray  # (N,) float32 cosines with the reference, or 1
    reference: np.ndarray | None = None  # (1 or N, H, W, 3) uint8 RGB


def activation_maps(
    model: str | Path | nn.Module | FeatureExtractor,
    images: Images,
    *,
    reference: Images | None = None,
    channel_order: str | None = None,
) -> ActivationMaps:
    """Show which parts of images make their feature.

    A map is the product of the network's last feature map and of the gradient
    of ``f . r`` with respect to it, summed over channels, negative values set
    to 0; f is the image's feature and r the reference's, of length 1. Without
    a reference, r is the image's own. If the feature is the mean of the map,
    as in most CNNs, values are each cell's exact part of ``f . r``; otherwise
    they follow the gradient.

    The model is left as it was: parameters, their gradients, training mode
    and hooks. Equal input gives equal maps. ``flip_test`` is switched off.

    Source: HiResCAM (Draelos and Carin, arXiv 2011.08891), with the target of
    Stylianou et al. (WACV 2019, arXiv 1901.00536).

    Args:
        model: A ``FeatureExtractor``, or what it takes as model.
        images: As for ``FeatureExtractor``.
        reference: One image that all are compared with, or one for each.
        channel_order: As for ``FeatureExtractor``.

    Raises:
        FileNotFoundError: If a file is missing.
        UserError: If an image is damaged, or the network has no feature map.
    """
    items = as_images(images, channel_order)
    others = [] if reference is None else as_images(reference, channel_order)
    if not items:
        raise UserError('there is no image to make a map of.')
    if reference is not None:
        check_choice('number of references', len(others), (1, len(items)))
    if not isinstance(model, FeatureExtractor):
        model = FeatureExtractor(model)
    with _one_pass_in_eval_mode(model.model):
        inputs_NCHW = _prepare(model, items)
        compared = _prepare(model, others) if others else None
        directions = None
        if compared is not None:
            with torch.no_grad():
                feats = [
                    model.model(_normalised(model, part), mode='tensor')
                    for part in compared.split(_BATCH)
                ]
            # (R, d) -> (N, d): a single reference is that of all images
            directions = l2_normalize(torch.cat(feats).float())
            directions = directions.expand(len(items), -1)
        maps, similarity = [], []
        for start in range(0, len(items), _BATCH):
            rows = slice(start, start + _BATCH)
            direction = None if directions is None else directions[rows]
            heat, cosine = _maps(model, inputs_NCHW[rows], direction)
            maps.append(heat)
            similarity.append(cosine)
    return ActivationMaps(
        _channels_last(inputs_NCHW).numpy(),
        torch.cat(maps).numpy(),
        torch.cat(similarity).numpy(),
        None if compared is None else _channels_last(compared).numpy(),
    )


@contextmanager
def _one_pass_in_eval_mode(network: nn.Module) -> Iterator[None]:
    """Switch ``flip_test`` off and eval mode on; restore both."""
    mirrored = getattr(network, 'flip_test', False)
    try:
        # the map of an image and of its mirror image have no common places
        if mirrored:
            network.flip_test = False  # type: ignore[assignment]
        with eval_mode(network):
            yield
    finally:
        if mirrored:
            network.flip_test = True  # type: ignore[assignment]


def _prepare(extractor: FeatureExtractor, items: list[str | Tensor]) -> Tensor:
    """Return images as the model sees them, ``(N, 3, H, W)`` uint8."""
    prepared = PreparedImages(items, extractor.pipeline)
    return torch.stack([prepared[row] for row in range(len(prepared))])


def _normalised(extractor: FeatureExtractor, images: Tensor) -> Tensor:
    return extractor.model.data_preprocessor({'inputs': images})['inputs']


def _maps(
    extractor: FeatureExtractor, images: Tensor, direction: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Return maps ``(n, H, W)`` and cosines ``(n,)`` on the CPU."""
    size = (images.shape[2], images.shape[3])
    network = extractor.model
    for inner in ('network', 'backbone'):
        network = getattr(network, inner, network)
    name = type(network).__name__
    # the caller may have switched gradients off
    with torch.inference_mode(False), torch.enable_grad():
        # inputs want gradients too, since all parameters may be frozen
        inputs = _normalised(extractor, images).clone().requires_grad_()
        with watch_feature_map(extractor.model, size) as found:
            feats = extractor.model(inputs, mode='tensor').float()
        if direction is None:
            direction = l2_normalize(feats.detach())
        kept = found.tensor
        if kept is None:
            raise UserError(
                f'{name} has no feature map of {size[0]} x {size[1]} pixels; '
                f'use larger images, or a network of the zoo.'
            )
        grad = None
        if feats.requires_grad and kept.requires_grad:
            score = (feats * direction).sum()  # images do not mix in eval mode
            (grad,) = torch.autograd.grad(score, kept, allow_unused=True)
        if grad is None:
            raise UserError(
                f'no gradient reaches {found.name} in {name}: do not detach.'
            )
    # HiResCAM, eq. 2: (n, C, h, w) -> (n, h, w)
    heat = found.as_map(grad * kept).detach().float().sum(1).clamp_min(0)
    heat = interpolate(heat[:, None], size, mode='bilinear')[:, 0]
    least = heat.amin((1, 2), keepdim=True)
    span = heat.amax((1, 2), keepdim=True) - least
    heat = torch.where(span > 0, (heat - least) / span, 0).clamp(0, 1)
    cosine = (l2_normalize(feats.detach()) * direction).sum(1)
    return heat.cpu(), cosine.cpu()


@dataclass
class FeatureMap:
    """Last map over the image in a forward pass, if there is one."""

    name: str = ''  # of the module that made it
    tensor: Tensor | None = None  # as it was computed, to take gradients of
    # from values shaped as the tensor to (N, C, h, w)
    as_map: Callable[[Tensor], Tensor] = torch.clone


@contextmanager
def watch_feature_map(
    network: nn.Module, image_size: tuple[int, int]
) -> Iterator[FeatureMap]:
    """Yield the last map over the image, filled by the next forward pass.

    - Vision transformers of the zoo: the patch tokens that go into the last
      attention; later ones do not reach the class token.
    - VOLO: the tokens before the class attention.
    - All others: the last output ``(N, C, h, w)`` of a module with several
      cells that has about the aspect ratio of the image, ``(H, W)``.
    """
    found = FeatureMap()
    handles: list[RemovableHandle] = []

    def watch(
        module: nn.Module,
        name: str,
        as_map: Callable[[Tensor], Tensor],
        is_map: Callable[[Any], bool] = torch.is_tensor,
    ) -> None:
        def keep(module: nn.Module, inputs: Any, output: Any) -> None:
            if isinstance(output, tuple | list) and output:
                output = output[-1]  # of the last stage
            if is_map(output):
                found.name, found.tensor, found.as_map = name, output, as_map

        handles.append(module.register_forward_hook(keep))

    grid: list[int] = []  # height and width of the patch tokens

    def note_grid(module: nn.Module, inputs: Any, output: Tensor) -> None:
        grid[:] = output.shape[2:]

    # these hold no map at their end, but a vector or tokens
    for name, module in network.named_modules():
        if isinstance(module, VisionTransformerICS):
            handles.append(
                module.model.patch_embed.register_forward_hook(note_grid)
            )
            # (N, 1 + h w, C) -> (N, C, h w) -> (N, C, h, w), without the
            # class token
            watch(
                module.model.blocks[-1].norm1,
                name,
                lambda tokens: tokens[:, 1:].mT.unflatten(2, grid),
            )
            break
        if isinstance(module, VOLO):
            # (N, h, w, C) -> (N, C, h, w)
            watch(
                module.model.network[-1],
                name,
                lambda tokens: tokens.permute(0, 3, 1, 2),
            )
            break
    else:
        # every module is watched, and the last map replaces those before
        for name, module in network.named_modules():
            watch(module, name, torch.clone, partial(_is_map, image_size))
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()


def _is_map(image_size: tuple[int, int], output: Any) -> bool:
    """Return whether an output is a map over the image, not attention."""
    if not isinstance(output, Tensor) or output.dim() != 4:
        return False
    (height, width), (rows, columns) = image_size, output.shape[2:]
    if rows * columns < 2 or rows > height or columns > width:
        return False
    # images are reduced by the same factor in both directions
    skew = (height / rows) / (width / columns)
    return output.is_floating_point() and 1 / _SKEW <= skew <= _SKEW


def _channels_last(images: Tensor) -> Tensor:
    """Return images ``(N, C, H, W)`` as ``(N, H, W, C)``."""
    return images.permute(0, 2, 3, 1).contiguous()
