"""PersonFinder: where and when the person of a crop appears."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.logging import print_log

from mmcion.datasets import open_images
from mmcion.denoising.functional import normalise
from mmcion.denoising.grouped_rows import sum_features
from mmcion.structures import (
    Appearances,
    FeatureStore,
    IdentityLabels,
    TrackletTable,
)
from mmcion.utils.checks import UserError, check_at_least, check_same_length
from mmcion.utils.image_file import decode_image
from mmcion.utils.io import read_json
from mmcion.visualization.person_page import write_person_page

from .as_images import Images, as_images
from .features import FeatureExtractor
from .rebuild_extractor import rebuild_extractor

_REPORT_FORM = {
    'inputs': dict[str, Any] | None,
    'stages': list[dict[str, Any]] | None,
    'calibration': dict[str, Any] | None,
}
_NOT_LINKED = (
    'These features do not tell people apart between videos, so nobody was '
    'linked: the person may be several identities, and near ones others.'
)
# between a stored feature and the same computed again; half precision and
# other devices change the last digits only
_LEAST_COSINE = 0.99


class PersonFinder:
    """Finds the person of a crop among identities (ours).

    A crop is compared with the centroid of every identity. It counts as near
    if its distance, 1 - cosine, is not above sigma: the largest distance of
    an image to its identity that the last level allowed.

    Args:
        identities: What ``tools/denoise.py`` wrote.
        table: Folder of the TrackletTable; as recorded in ``report.json`` if
            None.
        features: Folder of its features; as recorded if None.
        checkpoint: Weights of the extractor of the features, if it had any.
        model: Extractor of the features, as ``FeatureExtractor`` takes it; as
            the features say if None.

    Attributes:
        threshold: Sigma; None if the report does not state it.
        note: Warning about the answers; empty if there is none.

    Raises:
        FileNotFoundError: If a folder or file is missing.
        UserError: If table, features and identities do not belong together,
            or the extractor is another one.
    """

    def __init__(
        self,
        identities: str | Path,
        *,
        table: str | Path | None = None,
        features: str | Path | None = None,
        checkpoint: str | Path | None = None,
        model: Any = None,
    ) -> None:
        folder = Path(identities)
        self.labels = IdentityLabels.load(folder / 'identity.npy')
        report = read_json(folder / 'report.json', _REPORT_FORM)
        inputs = report.get('inputs') or {}
        self.table = TrackletTable.load(
            table or _recorded(folder, inputs, 'table')
        )
        store = FeatureStore.open(
            features or _recorded(folder, inputs, 'features')
        )
        store.check_table(self.table)
        check_same_length(table=self.table, identities=self.labels.identity)
        # denoising may have subtracted the mean, which the hash shows
        if store.fingerprint() != inputs.get('features'):
            store = store.centered()
            if store.fingerprint() != inputs.get('features'):
                raise UserError(f'{folder} was made of other features.')
        self._store = store
        sigmas = [stage.get('sigma') for stage in report.get('stages') or []]
        known = [float(x) for x in sigmas if isinstance(x, int | float)]
        self.threshold = known[-1] if known else None
        calibration = report.get('calibration') or {}
        linked = calibration.get('link_delta', 0) is not None
        self.note = '' if linked else _NOT_LINKED
        if model is None:
            self._extractor = rebuild_extractor(store, checkpoint)
        else:
            self._extractor = FeatureExtractor(model, normalize=False)
        self._check_extractor()
        kept = self.labels.keep
        self._identity, index = np.unique(
            self.labels.identity[kept], return_inverse=True
        )
        numbers = np.full(len(kept), -1)
        numbers[kept] = index
        self._centroids = normalise(sum_features(store, numbers))  # (K, D)

    def __call__(
        self,
        crops: Images,
        topk: int = 5,
        *,
        channel_order: str | None = None,
    ) -> list[dict[str, Any]]:
        """Find the identities nearest to each crop.

        Args:
            crops: As for ``FeatureExtractor``.
            topk: Number of identities per crop.
            channel_order: As for ``FeatureExtractor``.

        Returns:
            Per crop ``query``, its path or None; ``threshold``; and
            ``matches``, the nearest first: ``rank`` from 1, ``identity``,
            ``distance``, ``near`` (None without a threshold) and
            ``appearances``, one per video: ``video``, ``first_frame``,
            ``last_frame``, ``start_seconds`` and ``end_seconds`` of the
            recording (None where they are not known), ``images``,
            ``best_crop`` (its path) and ``best_row`` (of the table).
        """
        check_at_least(1, topk=topk)
        items = as_images(crops, channel_order)
        queries = self._store.as_rows(self._extractor(items))
        distances = 1 - queries @ self._centroids.T  # (Q, K)
        order = distances.argsort(axis=1, kind='stable')[:, :topk]
        seen = self._appearances(self._identity[order])
        answers = []
        for item, near, distance in zip(items, order, distances, strict=True):
            matches = [
                {
                    'rank': rank,
                    'identity': int(self._identity[k]),
                    'distance': round(float(distance[k]), 6),
                    'near': None
                    if self.threshold is None
                    else bool(distance[k] <= self.threshold),
                    'appearances': seen[int(self._identity[k])],
                }
                for rank, k in enumerate(near, start=1)
            ]
            answers.append(
                {
                    'query': item if isinstance(item, str) else None,
                    'threshold': self.threshold,
                    'matches': matches,
                }
            )
        return answers

    def write_page(
        self, file: str | Path, answers: list[dict[str, Any]]
    ) -> None:
        """Write answers as an HTML page with crops and times.

        Args:
            file: HTML file to write.
            answers: Answers about files.
        """
        load = None
        if self.table.path is not None:
            load = open_images(self.table.image_root).read
        write_person_page(
            file, self.table, self.labels, answers, load, note=self.note
        )

    def _appearances(
        self, identities: np.ndarray
    ) -> dict[int, list[dict[str, Any]]]:
        """Return the appearances of some identities, by identity."""
        wanted = np.isin(self.labels.identity, identities)
        seen = Appearances.from_labels(
            self.table, np.where(wanted, self.labels.identity, -1)
        )
        found: dict[int, list[dict[str, Any]]] = {}
        for identity, row, values in zip(
            seen.identity.tolist(),
            seen.best_row.tolist(),
            seen.to_rows(self.table),
            strict=True,
        ):
            entry = dict(zip(seen.COLUMNS, values, strict=True))
            # empty is for CSV
            entry = {k: None if v == '' else v for k, v in entry.items()}
            if entry['best_crop'] is not None:
                entry['best_crop'] = str(self.table.image_path(row))
            entry['best_row'] = row
            found.setdefault(identity, []).append(entry)
        return found

    def _check_extractor(self) -> None:
        """Compare a stored feature with the same computed again."""
        rows = np.flatnonzero(self.labels.keep)
        if self.table.path is None or not len(rows):
            return
        row = int(rows[0])
        path = self.table.path[row].decode(errors='surrogateescape')
        try:
            content = open_images(self.table.image_root).read(path)
            image = decode_image(content, path)
        except (OSError, UserError) as error:
            print_log(
                f'the extractor is not checked, as images are gone: {error}',
                logger='current',
                level=logging.WARNING,
            )
            return
        again = self._store.as_rows(
            self._extractor(image, channel_order='rgb')
        )
        cosine = float((again[0] * self._store[row : row + 1][0]).sum())
        if not cosine >= _LEAST_COSINE:
            raise UserError(
                f'this is not the extractor of the features: {path} has '
                f'another one now (cosine {cosine:.3f}).'
            )


def _recorded(folder: Path, inputs: dict[str, Any], name: str) -> Path:
    """Return the folder of an input that ``report.json`` names."""
    if not isinstance(found := inputs.get(f'{name}_folder'), str):
        raise UserError(
            f'{folder} does not record where its {name} is: give --{name}.'
        )
    return folder / found
