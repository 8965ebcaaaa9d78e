"""ReIDInferencer: who in the gallery is the person of a query?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mmcion.evaluation import nearest_gallery, normalize_rows
from mmcion.evaluation import rerank as k_reciprocal_rerank
from mmcion.structures import FeatureStore
from mmcion.visualization import RankedQuery, ranked_list
from mmcion.visualization.picture_file import picture_format, save_picture

from .feature_extractor import FeatureExtractor, pipeline_hashes
from .image_inputs import Images, as_images

_BLOCK = 1 << 16  # gallery rows looked at a time
_K1, _K2 = 20, 6  # of re-ranking, fewer in a small gallery


class ReIDInferencer:
    """Search people in a gallery, and compare two images.

    Similarity is the cosine of two features: 1 for equal images.

    Args:
        model: a ``FeatureExtractor``, or what it takes as model.
        device: see ``FeatureExtractor``; for a model only.

    Raises:
        ValueError: if ``device`` is given beside a ``FeatureExtractor``.
    """

    def __init__(
        self,
        model: FeatureExtractor | nn.Module | str | Path,
        device: str | torch.device | None = None,
    ) -> None:
        if isinstance(model, FeatureExtractor):
            if device is not None:
                raise ValueError('the FeatureExtractor has a device already.')
            self.extractor = model
        else:
            self.extractor = FeatureExtractor(model, device)
        self._gallery: np.ndarray | FeatureStore | None = None
        self._pictures: list[Any] | None = None

    def set_gallery(
        self,
        images: Images | FeatureStore,
        *,
        channel_order: str | None = None,
    ) -> None:
        """Set the images that ``search`` looks among.

        Args:
            images: as for ``FeatureExtractor``; or what its
                ``extract_folder`` returned, which stays on the disk.
            channel_order: as for ``FeatureExtractor``.

        Raises:
            ValueError: if there is no image, or the features are those of
                another model or of images of another size.
        """
        if isinstance(images, FeatureStore):
            self._check_origin(images)
            self._gallery, self._pictures = images, _named_files(images)
            return
        items = as_images(images, channel_order)
        if not items:
            raise ValueError('a gallery must have at least one image.')
        self._gallery = self.extractor(items)
        self._pictures = [_picture(item) for item in items]

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
            images: queries, as for ``FeatureExtractor``.
            topk: how many to find; no more than the gallery has come back.
            rerank: order by shared neighbours too, see ``mmcion.rerank``;
                all queries and the gallery, in memory, take part in it.
            channel_order: as for ``FeatureExtractor``.

        Returns:
            Per query ``query``, its picture, and ``matches``, the most
            similar first: ``rank`` from 1, ``index`` in the gallery,
            ``similarity`` (the cosine, also where it does not make the
            order) and ``image``. A picture is the path of a file or
            else an RGB array; None if a store does not know its images.

        Raises:
            ValueError: if no gallery is set or ``topk`` is not a positive
                whole number.
        """
        if not isinstance(topk, Integral) or topk < 1:
            raise ValueError(
                f'topk must be a positive whole number; got {topk!r}.'
            )
        if self._gallery is None:
            raise ValueError('call set_gallery before search.')
        items = as_images(images, channel_order)
        nearest = self._reranked if rerank else self._nearest
        rows, similarities = nearest(self.extractor(items), topk)
        return [
            {
                'query': _picture(item),
                'matches': [
                    {
                        'rank': rank,
                        'index': int(row),
                        'similarity': float(similarity),
                        'image': self._pictures and self._pictures[row],
                    }
                    for rank, (row, similarity) in enumerate(
                        zip(*found, strict=True), start=1
                    )
                ],
            }
            for item, *found in zip(items, rows, similarities, strict=True)
        ]

    def compare(
        self,
        first: Images,
        second: Images,
        threshold: float | None = None,
        *,
        channel_order: str | None = None,
    ) -> dict[str, Any]:
        """Tell how similar two images are, and whether it is one person.

        Args:
            first: one image, as for ``FeatureExtractor``.
            second: one image.
            threshold: similarity from which on it is one person; that of the
                model file if None.
            channel_order: as for ``FeatureExtractor``.

        Returns:
            ``similarity``; ``same``, None without a threshold;
            ``threshold``; and ``reason``, where the threshold comes from.

        Raises:
            ValueError: if there is more than one image on a side, or
                ``threshold`` is not a number.
        """
        features = []
        for images in (first, second):
            items = as_images(images, channel_order)
            if len(items) != 1:
                raise ValueError(
                    f'compare takes one image on each side; got {len(items)}.'
                )
            features.append(self.extractor(items))
        _, distances = nearest_gallery(features[0], features[1], 1)
        similarity = float(_cosines(distances)[0, 0])
        threshold, reason = self._threshold(threshold)
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
        """Draw one row per query: the query and what was found.

        Args:
            results: of ``search``, all or one of them.
            path: picture to write, such as ``results.png``.
            cell: width and height of an image in it, in pixels.

        Raises:
            ValueError: if pictures are not known, or ``path`` has not the
                ending of a picture.
        """
        picture_format(path)
        if isinstance(results, Mapping):
            results = [results]
        matches = [match for each in results for match in each['matches']]
        if any(match['image'] is None for match in matches):
            raise ValueError(
                'the gallery does not know its images; set it from images or '
                'from the store of extract_folder.'
            )
        picture = ranked_list(
            [
                RankedQuery(
                    each['query'],
                    [match['image'] for match in each['matches']],
                    captions=[
                        f'{match["rank"]}:  {match["similarity"]:.3f}'
                        for match in each['matches']
                    ],
                    heading=_name(each['query']),
                )
                for each in results
            ],
            cell=cell,
        )
        save_picture(picture, path)

    def _nearest(
        self, qf: np.ndarray, topk: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return ``(Q, k)`` gallery rows and similarities, block by block."""
        assert self._gallery is not None
        rows = np.empty((len(qf), 0), np.int64)
        distances = np.empty((len(qf), 0), np.float32)
        for start in range(0, len(self._gallery), _BLOCK):
            block = self._gallery[start : start + _BLOCK]
            near, found = nearest_gallery(qf, block, topk)
            rows = np.concatenate([rows, near + start], axis=1)
            distances = np.concatenate([distances, found], axis=1)
            order = distances.argsort(axis=1, kind='stable')[:, :topk]
            rows = np.take_along_axis(rows, order, axis=1)
            distances = np.take_along_axis(distances, order, axis=1)
        return rows, _cosines(distances)

    def _reranked(
        self, qf: np.ndarray, topk: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return ``(Q, k)`` rows by k-reciprocal distance, and cosines."""
        assert self._gallery is not None
        qf, gf = normalize_rows(qf), normalize_rows(self._gallery[:])
        k1 = min(_K1, len(qf) + len(gf) - 1)
        distances = k_reciprocal_rerank(qf, gf, k1=k1, k2=min(_K2, k1))
        rows = distances.argsort(axis=1, kind='stable')[:, :topk]
        return rows, _cosines(1 - np.einsum('qd,qkd->qk', qf, gf[rows]))

    def _threshold(self, given: float | None) -> tuple[float | None, str]:
        if given is not None and not -1 <= given <= 1:
            raise ValueError(
                f'threshold is a cosine, in [-1, 1]; got {given}.'
            )
        if given is not None:
            return given, 'given by the caller'
        calibrated = self.extractor.meta.get('threshold')
        if calibrated is None:
            return None, (
                'the model has no calibrated threshold, and what counts as '
                'similar differs from model to model; give threshold='
            )
        rate = calibrated['false_match_rate']
        return calibrated['similarity'], (
            f'calibrated for a false-match rate of {rate:g}'
        )

    def _check_origin(self, store: FeatureStore) -> None:
        own = self.extractor.identity()
        found = {key: store.meta.get(key, own[key]) for key in own}
        pipeline = self.extractor.pipeline
        if found['pipeline'] in pipeline_hashes(pipeline):
            found['pipeline'] = own['pipeline']
        differ = ', '.join(key for key in own if found[key] != own[key])
        if differ:
            differ = differ.replace(
                'pipeline',
                f'pipeline (image size or transforms; here {pipeline})',
            )
            raise ValueError(
                f'the gallery was extracted with other {differ} than this '
                f'FeatureExtractor has; extract it with this one.'
            )


def _cosines(distances: np.ndarray) -> np.ndarray:
    """Return cosines without what rounding puts beyond -1 and 1."""
    return np.clip(1 - distances, -1, 1)


def _picture(item: str | Tensor) -> str | np.ndarray:
    if isinstance(item, str):
        return item
    return item.permute(1, 2, 0).numpy()


def _named_files(store: FeatureStore) -> list[str] | None:
    """Return the files of a store of ``extract_folder``."""
    if 'names' not in store.meta:
        return None
    folder = Path(store.meta['folder'])
    return [str(folder / name) for name in store.meta['names']]


def _name(picture: str | np.ndarray) -> str:
    return Path(picture).name if isinstance(picture, str) else ''
