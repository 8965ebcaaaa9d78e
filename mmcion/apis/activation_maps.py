"""Where in its images a model finds the feature."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate
from torch.nn.functional import normalize as l2_normalize

from .feature_extractor import FeatureExtractor, PreparedImages
from .image_inputs import Images, as_images
from .spatial_features import watch_spatial_features

_BATCH = 16


@dataclass
class ActivationMaps:
    """Images with maps of what counts in them.

    Attributes:
        images: ``(N, H, W, 3)`` uint8 RGB, as the model sees them.
        maps: ``(N, H, W)`` float32 in [0, 1]. Each is scaled by itself, so
            that values cannot be compared between images; a map without any
            difference is 0.
        similarity: ``(N,)`` float32 cosine of feature and reference; 1 where
            an image is its own.
        reference: ``(R, H, W, 3)`` uint8 RGB, R being 1 or N; None without.
    """

    images: np.ndarray
    maps: np.ndarray
    similarity: np.ndarray
    reference: np.ndarray | None = None


def activation_maps(
    model: str | Path | nn.Module | FeatureExtractor,
    images: Images,
    *,
    reference: Images | None = None,
    channel_order: str | None = None,
) -> ActivationMaps:
    """Show which places of images make their feature.

    A map is the product of the network's last map over the image and of the
    gradient of ``f . r`` with respect to it, summed over channels, negative
    values cut off; f is the image's feature and r the unit vector of the
    reference's. Without a reference r is the image's own: what makes it what
    it is. With one, it is what makes the two alike. Where the feature is the
    mean of the map, as of most CNNs, values are each place's exact share of
    ``f . r``; in others they follow the gradient.

    Parameters, their gradients, the training mode and the hooks of the model
    are left as they were. Equal input gives equal maps. A model that averages
    features with those of mirrored images (``flip_test``) does not here.

    Source: HiResCAM (Draelos and Carin, arXiv 2011.08891); the target is that
    of Stylianou et al., "Visualizing deep similarity networks" (WACV 2019,
    arXiv 1901.00536).

    Args:
        model: what ``FeatureExtractor`` takes, or one of these, with a
            device, an image size or weights of its own.
        images: as for ``FeatureExtractor``.
        reference: one image that all are compared with, or one for each.
        channel_order: of arrays; see ``as_images``.

    Raises:
        FileNotFoundError: if a file is missing.
        ValueError: if an image is damaged or of another kind, there is
            neither one reference nor one per image, or the network has no
            map over the image, or cuts off gradients.
    """
    items = as_images(images, channel_order)
    others = []
    if reference is not None:
        others = as_images(reference, channel_order)
        if len(others) not in (1, len(items)):
            raise ValueError(
                f'reference must be one image or one for each of the '
                f'{len(items)} images; got {len(others)}.'
            )
    if not items:
        raise ValueError('there is no image to make a map of.')
    with _one_pass_in_eval_mode(model):
        if not isinstance(model, FeatureExtractor):
            model = FeatureExtractor(model)
        pictures = _prepare(model, items)
        compared = _prepare(model, others) if others else None
        directions = None
        if compared is not None:
            directions = l2_normalize(_features(model, compared))
            directions = directions.expand(len(items), -1)
        maps, similarity = [], []
        for start in range(0, len(pictures), _BATCH):
            part = slice(start, start + _BATCH)
            each = None if directions is None else directions[part]
            heat, cosine = _maps(model, pictures[part], each)
            maps.append(heat)
            similarity.append(cosine)
    return ActivationMaps(
        _channels_last(pictures),
        torch.cat(maps).numpy(),
        torch.cat(similarity).numpy(),
        None if compared is None else _channels_last(compared),
    )


def _prepare(extractor: FeatureExtractor, items: list[str | Tensor]) -> Tensor:
    """Return images as the model sees them, ``(N, 3, H, W)`` uint8."""
    prepared = PreparedImages(items, extractor.pipeline)
    return torch.stack([prepared[row] for row in range(len(prepared))])


@torch.no_grad()
def _features(extractor: FeatureExtractor, pictures: Tensor) -> Tensor:
    return torch.cat(
        [
            extractor.model(_normalised(extractor, part), mode='tensor')
            for part in pictures.split(_BATCH)
        ]
    ).float()


def _maps(
    extractor: FeatureExtractor, pictures: Tensor, direction: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Return maps ``(n, H, W)`` and cosines ``(n,)`` on the CPU."""
    size = (pictures.shape[2], pictures.shape[3])
    # a caller may have switched gradients off
    with torch.inference_mode(False), torch.enable_grad():
        inputs = _normalised(extractor, pictures)
        # so that there are gradients where all parameters are frozen
        inputs = inputs.clone().requires_grad_()
        with watch_spatial_features(extractor.model, size) as found:
            feats = extractor.model(inputs, mode='tensor').float()
        if direction is None:
            direction = l2_normalize(feats.detach())
        kept = found.tensor
        if kept is None:
            raise ValueError(
                f'{_name(extractor)} has no map of features over an image of '
                f'{size[0]} x {size[1]} pixels, so there are no places to '
                f'show. Use a convolutional network or a transformer of the '
                f'zoo, or larger images.'
            )
        grad = None
        if feats.requires_grad and kept.requires_grad:
            score = (feats * direction).sum()
            (grad,) = torch.autograd.grad(score, kept, allow_unused=True)
        if grad is None:
            raise ValueError(
                f'no gradient reaches the map of {found.name or "the model"} '
                f'in {_name(extractor)}: its forward pass must not detach it.'
            )
    heat = found.as_map(grad * kept).detach().float().sum(1).clamp_min(0)
    heat = interpolate(heat[:, None], size, mode='bilinear')[:, 0]
    cosine = (l2_normalize(feats.detach()) * direction).sum(1)
    return _scaled(heat).cpu(), cosine.cpu()


def _scaled(heat: Tensor) -> Tensor:
    """Stretch each map over [0, 1]."""
    least = heat.amin((1, 2), keepdim=True)
    span = heat.amax((1, 2), keepdim=True) - least
    return torch.where(span > 0, (heat - least) / span, 0).clamp(0, 1)


def _normalised(extractor: FeatureExtractor, pictures: Tensor) -> Tensor:
    return extractor.model.data_preprocessor({'inputs': pictures})['inputs']


def _channels_last(pictures: Tensor) -> np.ndarray:
    return pictures.permute(0, 2, 3, 1).contiguous().numpy()


def _name(extractor: FeatureExtractor) -> str:
    network = extractor.model
    for inner in ('network', 'backbone'):
        network = getattr(network, inner, network)
    return type(network).__name__


@contextmanager
def _one_pass_in_eval_mode(model: object) -> Iterator[None]:
    """Switch off mirrored images; restore them and the training mode."""
    network = model.model if isinstance(model, FeatureExtractor) else model
    modes = {}
    if isinstance(network, nn.Module):
        modes = {module: module.training for module in network.modules()}
    mirrored = getattr(network, 'flip_test', False)
    try:
        if mirrored:
            network.flip_test = False  # type: ignore[union-attr]
        yield
    finally:
        if mirrored:
            network.flip_test = True  # type: ignore[union-attr]
        for module, training in modes.items():
            module.training = training
