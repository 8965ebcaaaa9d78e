"""MARS: tracklets of 1261 people in six cameras."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from scipy.io import loadmat

from mmcion.registry import DATASETS

from .archive import check_listed, find_archive
from .base_reid_dataset import BaseReIDDataset
from .reid_image import ReIDImage

_REMEDY = (
    'Unpack bbox_train.zip and bbox_test.zip of MARS, put the folder info of '
    'the MARS-evaluation repository beside them, and set data_root to the '
    'folder of the three.'
)


@DATASETS.register_module()
class MARS(BaseReIDDataset):
    """All images of MARS, with the tracklet that each belongs to.

    Tracklets ask for tracklets, so features of a ``tracklet_id`` are to be
    averaged. Tracklets that are queries are not in the gallery.

    Source: Zheng et al., "MARS: a video benchmark for large-scale person
    re-identification", ECCV 2016, and its evaluation code.
    """

    unit = 'tracklets'

    def read(self) -> dict[str, list[ReIDImage]]:
        """Read the tables in ``info``.

        Raises:
            FileNotFoundError: if tables or images are missing.
            ValueError: if a table is of another form, or disagrees with the
                names of images.
        """
        needed = [
            f'bbox_{self.split}',
            f'info/{self.split}_name.txt',
            f'info/tracks_{self.split}_info.mat',
            *(['info/query_IDX.mat'] if self.split == 'test' else []),
        ]
        root, _ = find_archive(self.data_root, ('MARS',), [needed], _REMEDY)
        folder, name_file, table_file = (root / name for name in needed[:3])
        names = name_file.read_text().split()
        check_listed(folder, [_path(name) for name in names], name_file)
        tracklets = _read_table(table_file, f'track_{self.split}_info')
        if self.split == 'train':
            queries = np.zeros(0, np.int64)
        else:
            queries = _read_queries(root / needed[3], tracklets, table_file)
        parts: dict[str, list[ReIDImage]] = {part: [] for part in self.parts}
        is_query = np.isin(np.arange(len(tracklets)), queries)
        for number, row in enumerate(tracklets.tolist()):
            start, end, pid, camera = row
            own = names[start - 1 : end]
            _check(own, row, number, table_file)
            part = 'query' if is_query[number] else self.parts[-1]
            parts[part] += [
                ReIDImage(
                    os.path.join(folder, _path(name)), pid, camera - 1, number
                )
                for name in own
            ]
        return parts


def _path(name: str) -> str:
    return f'{name[:4]}/{name}'


def _read_table(file: Path, name: str) -> np.ndarray:
    table = loadmat(file).get(name)
    if table is None or table.ndim != 2:
        raise ValueError(
            f'{file} must hold a table {name}, as MARS-evaluation has it.'
        )
    return table.astype(np.int64)


def _read_queries(
    file: Path, tracklets: np.ndarray, table_file: Path
) -> np.ndarray:
    """Return the rows of tracklets that are queries, from 0."""
    numbers = _read_table(file, 'query_IDX').reshape(-1)
    outside = numbers[(numbers < 1) | (numbers > len(tracklets))]
    if len(outside):
        raise ValueError(
            f'{file} must name rows 1 to {len(tracklets)} of {table_file}; '
            f'got {outside[0]}. Take all files of info from one place.'
        )
    return numbers - 1


def _check(names: list[str], row: list[int], number: int, file: Path) -> None:
    """Compare a tracklet with the names of its images."""
    start, end, pid, camera = row
    person = '00-1' if pid < 0 else f'{pid:04d}'
    prefix = f'{person}C{camera}'
    right = all(name.startswith(prefix) for name in names)
    if len(names) != end - start + 1 or not right:
        raise ValueError(
            f'{file}, row {number + 1}: images {start} to {end} should be '
            f'named {prefix}...; the list of names has '
            f'{", ".join(names[:2]) or "none"}. Take all files of info from '
            f'one place.'
        )
