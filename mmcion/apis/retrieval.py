"""ReIDInferencer: search a gallery, and compare two images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mmcion.evaluation import nearest_gallery, normalize_rows
from mmcion.evaluation import rerank as k_reciprocal_rerank
from mmcion.models.weights.network_config import class_name
from mmcion.structures import FeatureStore
from mmcion.utils.checks import (
    UserError,
    check_at_least,
    check_choice,
    check_interval,
)
from mmcion.utils.io import hash_value
from mmcion.visualization import (
    Tile,
    TileGroup,
    image_format,
    image_grid,
    read_image,
    save_image,
)

from .as_images import Images, as_images
from .features import FeatureExtractor

_BLOCK = 1 << 16  # gallery rows in memory at a time
# re-ranking as in Zhong et al. (CVPR 2017); lower in a small gallery
_K1, _K2 = 20, 6


@dataclass(frozen=True)
class _Gallery:
    """What is searched: features, and the images where they are known."""

    features: np.ndarray | FeatureStore  # (G, D)
    rows: np.ndarray | None  # (R,) that have a feature; None for all
    images: list[Any] | None

    def read(self, start: int, stop: int | None) -> np.ndarray:
        """Return features of the ``start``-th to ``stop``-th of the rows."""
        part = slice(start, stop)
        return self.features[part if self.rows is None else self.rows[part]]

    def index(self, numbers: np.ndarray) -> np.ndarray:
        """Return indices in the gallery by numbers of the rows."""
        return numbers if self.rows is None else self.rows[numbers]

    def __len__(self) -> int:
        return len(self.features if self.rows is None else self.rows)


class ReIDInferencer:
    """Search a gallery for the person of a query, and compare two images.

    Similarity is the cosine of two features: 1 for equal images.

    Args:
        model: A ``FeatureExtractor``, or what it takes as model.
        device: See ``FeatureExtractor``; for a model only.

    Raises:
        UserError: If ``device`` is given beside a ``FeatureExtractor``.
    """

    def __init__(
        self,
        model: FeatureExtractor | nn.Module | str | Path,
        device: str | torch.device | None = None,
    ) -> None:
        if isinstance(model, FeatureExtractor):
            if device is not None:
                raise UserError('the FeatureExtractor has a device already.')
            self.extractor = model
        else:
            self.extractor = FeatureExtractor(model, device)
        self._gallery: _Gallery | None = None

    def set_gallery(
        self,
        images: Images | FeatureStore,
        *,
        channel_order: str | None = None,
    ) -> None:
        """Set the gallery of ``search``.

        Args:
            images: As for ``FeatureExtractor``; or the store of its
                ``extract_folder``, which stays on disk. Its unreadable images
                are not found.
            channel_order: As for ``FeatureExtractor``.

        Raises:
            UserError: If there is no image, or the features are those of
                another model or image size.
        """
        if not isinstance(images, FeatureStore):
            items = as_images(images, channel_order)
            if not items:
                raise UserError('a gallery must have at least one image.')
            features = self.extractor(items)
            # in one assignment: other threads may be searching
            self._gallery = _Gallery(features, None, [*map(_shown, items)])
            return
        # Features of other weights or pixels cannot be compared. A store that
        # does not state what it depends on is accepted.
        own = self.extractor.identity()
        stated = {key: images.meta.get(key, own[key]) for key in own}
        pipeline = self.extractor.pipeline
        # the same transforms may be named with and without scope
        for scope in ('', 'mmcion.'):
            named = [{**x, 'type': scope + class_name(x)} for x in pipeline]
            if stated['pipeline'] == hash_value(named):
                stated['pipeline'] = own['pipeline']
        if differ := [key for key in own if stated[key] != own[key]]:
            raise UserError(
                f'the gallery has other {", ".join(differ)} than this model, '
                f'with {pipeline}; extract it again.'
            )
        paths = None
        if 'names' in images.meta:
            folder = Path(images.meta['folder'])
            paths = [str(folder / name) for name in images.meta['names']]
        readable = None
        if len(images.unreadable):
            every = np.arange(len(images))
            readable = np.setdiff1d(every, images.unreadable)
        self._gallery = _Gallery(images, readable, paths)

    def search(
        self,
        images: Images,
        topk: int = 10,
        *,
        rerank: bool = False,
        channel_order: str | None = None,
    ) -> list[dict[str, Any]]:
        """Find the gallery images most similar to each query.

        Args:
            images: Queries, as for ``FeatureExtractor``.
            topk: Number of gallery images per query; fewer in a smaller
                gallery.
            rerank: Whether to order by shared neighbours too, see
                ``mmcion.rerank``; needs the whole gallery in memory.
            channel_order: As for ``FeatureExtractor``.

        Returns:
            Per query ``query``, its image, and ``matches``, the most similar
            first: ``rank`` from 1, ``index`` in the gallery, ``similarity``
            (the cosine, also if re-ranked) and ``image``. An image is a path
            or an RGB array, None if a store does not name its images.

        Raises:
            UserError: If no gallery is set or ``topk`` is below 1.
        """
        check_at_least(1, topk=topk)
        check_choice('rerank', rerank, (True, False))
        gallery = self._gallery  # another thread may set another one
        if gallery is None:
            raise UserError('call set_gallery before search.')
        items = as_images(images, channel_order)
        qf = self.extractor(items)
        # of no query, or of one image beside it, there is nothing to re-rank
        k1 = min(_K1, len(qf) + len(gallery) - 1)
        if rerank and k1 and len(items) and len(gallery):
            qf, gf = map(normalize_rows, (qf, gallery.read(0, None)))
            distances = k_reciprocal_rerank(qf, gf, k1=k1, k2=min(_K2, k1))
            rows = distances.argsort(axis=1, kind='stable')[:, :topk]
            # (Q, D), (Q, k, D) -> (Q, k): those distances are no cosines
            cosines = np.einsum('qd,qkd->qk', qf, gf[rows]).clip(-1, 1)
        else:
            rows, cosines = _nearest(gallery, qf, topk)
        results = []
        rows = gallery.index(rows)
        for item, near, similar in zip(items, rows, cosines, strict=True):
            matches = [
                {
                    'rank': rank,
                    'index': int(row),
                    'similarity': float(similarity),
                    'image': gallery.images and gallery.images[row],
                }
                for rank, (row, similarity) in enumerate(
                    zip(near, similar, strict=True), start=1
                )
            ]
            results.append({'query': _shown(item), 'matches': matches})
        return results

    def compare(
        self,
        first: Images,
        second: Images,
        threshold: float | None = None,
        *,
        channel_order: str | None = None,
    ) -> dict[str, Any]:
        """Decide whether two images show the same person.

        Args:
            first: One image, as for ``FeatureExtractor``.
            second: One image.
            threshold: Least similarity of two images of a person; that of the
                model file if None.
            channel_order: As for ``FeatureExtractor``.

        Returns:
            ``similarity``; ``same``, None without a threshold; ``threshold``;
            and ``reason``, where the threshold comes from.

        Raises:
            UserError: If there is not one image on each side, or
                ``threshold`` is not a cosine.
        """
        features = []
        for images in (first, second):
            items = as_images(images, channel_order)
            if len(items) != 1:
                raise UserError(f'one image on each side; got {len(items)}.')
            features.append(self.extractor(items))
        _, distances = nearest_gallery(features[0], features[1], 1)
        similarity = float(_cosines(distances)[0, 0])
        reason = 'given by the caller'
        spec = self.extractor.spec
        if threshold is not None:
            check_interval('[-1, 1]', threshold=threshold)
        elif spec is not None and spec.threshold is not None:
            threshold = spec.threshold['similarity']
            rate = spec.threshold['false_match_rate']
            reason = f'calibrated for a false-match rate of {rate:g}'
        else:
            reason = (
                'the model has no calibrated threshold, and what counts as '
                'similar differs from model to model; give threshold='
            )
        return {
            'similarity': similarity,
            'same': None if threshold is None else similarity >= threshold,
            'threshold': threshold,
            'reason': reason,
        }

    def show(
        self,
        results: Sequence[dict[str, Any]] | dict[str, Any],
        path: str | Path,
        *,
        cell: tuple[int, int] = (96, 192),
    ) -> None:
        """Draw one row per query: the query and its gallery images.

        Args:
            results: All or one of those of ``search``.
            path: Image to write, such as ``results.png``.
            cell: Width and height of an image in it, in pixels.

        Raises:
            UserError: If the gallery does not know its images, or ``path``
                does not have the suffix of an image.
        """
        image_format(path)
        if isinstance(results, Mapping):
            results = [results]
        if not results or not all(isinstance(x, Mapping) for x in results):
            raise UserError(f'results are of search; got {results!r:.80}.')
        groups = []
        for result in results:
            query, matches = result['query'], result['matches']
            if any(match['image'] is None for match in matches):
                raise UserError(
                    'the gallery does not know its images; set it from images.'
                )
            gallery = [
                Tile(
                    read_image(match['image'], cell),
                    f'{match["rank"]}:  {match["similarity"]:.3f}',
                )
                for match in matches
            ]
            first = Tile(read_image(query, cell), 'query', 'ink')
            heading = Path(query).name if isinstance(query, str) else ''
            groups.append(TileGroup([[first], gallery], heading))
        save_image(image_grid(groups, cell=cell), path)


def _nearest(
    gallery: _Gallery, qf: np.ndarray, topk: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return ``(Q, k)`` row numbers and similarities, block by block."""
    rows = np.empty((len(qf), 0), np.int64)
    distances = np.empty((len(qf), 0), np.float32)
    for start in range(0, len(gallery), _BLOCK):
        block = gallery.read(start, start + _BLOCK)
        near, found = nearest_gallery(qf, block, topk)
        # (Q, k) so far and (Q, k) of the block -> the best (Q, k) of both; a
        # stable sort prefers earlier rows, as one sort of all would
        rows = np.concatenate([rows, near + start], axis=1)
        distances = np.concatenate([distances, found], axis=1)
        order = distances.argsort(axis=1, kind='stable')[:, :topk]
        rows = np.take_along_axis(rows, order, axis=1)
        distances = np.take_along_axis(distances, order, axis=1)
    return rows, _cosines(distances)


def _cosines(distances: np.ndarray) -> np.ndarray:
    """Return cosines; rounding may put them beyond -1 and 1."""
    return np.clip(1 - distances, -1, 1)


def _shown(item: str | Tensor) -> str | np.ndarray:
    """Return the path of an image, or a tensor as ``(H, W, 3)``."""
    if isinstance(item, str):
        return item
    return item.permute(1, 2, 0).numpy()
