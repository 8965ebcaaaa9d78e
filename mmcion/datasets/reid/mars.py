"""MARS: tracklets of 1261 persons, six cameras."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from scipy.io import loadmat

from mmcion.datasets.tracklet_readers.mars import person_folder
from mmcion.registry import DATASETS
from mmcion.utils.checks import UserError
from mmcion.utils.io import open_text

from .base_reid_dataset import BaseReIDDataset
from .image_list import check_listed
from .reid_image import ReIDImage

_ONE_PLACE = 'Take all files of info from one place.'


@DATASETS.register_module()
class MARS(BaseReIDDataset):
    """All images of MARS, with the tracklet that each belongs to.

    Queries and gallery are tracklets, so the features of a ``tracklet_id``
    are to be averaged. Tracklets that are queries are not in the gallery.

    Source: Zheng et al., "MARS: a video benchmark for large-scale person
    re-identification", ECCV 2016, and its evaluation code.
    """

    archives = ('MARS',)
    hint = (
        'Unpack bbox_train.zip and bbox_test.zip of MARS, put the folder info '
        'of the MARS-evaluation repository beside them, and set data_root to '
        'the folder of the three.'
    )
    unit = 'tracklets'

    def read(self) -> dict[str, list[ReIDImage]]:
        """Read the tables in ``info``."""
        needed = [
            f'bbox_{self.split}',
            f'info/{self.split}_name.txt',
            f'info/tracks_{self.split}_info.mat',
        ]
        if self.split == 'test':
            needed.append('info/query_IDX.mat')
        root, _ = self.find(needed)
        folder, name_file, table_file, *query_file = map(root.joinpath, needed)
        with open_text(name_file) as stream:
            names = stream.read().split()
        paths = [f'{name[:4]}/{name}' for name in names]
        check_listed(folder, paths, name_file)
        # (T, 4): first and last name, from 1, person and camera
        tracklets = _read_table(table_file, f'track_{self.split}_info')
        queries = np.zeros(0, np.int64)
        if query_file:
            # rows of tracklets, from 1
            queries = _read_table(query_file[0], 'query_IDX').reshape(-1)
            if not np.isin(queries, np.arange(1, len(tracklets) + 1)).all():
                raise UserError(
                    f'{query_file[0]}: {queries} are not all rows of '
                    f'{table_file}. {_ONE_PLACE}'
                )
        parts: dict[str, list[ReIDImage]] = {part: [] for part in self.parts}
        for number, (start, end, pid, camera) in enumerate(tracklets.tolist()):
            # names of its images, of which first and last are counted from 1
            own = slice(start - 1, end)
            prefix = f'{person_folder(pid)}C{camera}'
            begin = [name[: len(prefix)] for name in names[own]]
            if begin != [prefix] * (end - start + 1):
                raise UserError(
                    f'{table_file}, row {number + 1}: images {start} to {end} '
                    f'are not named {prefix}: {names[own][:2]}. {_ONE_PLACE}'
                )
            part = 'query' if number + 1 in queries else self.parts[-1]
            parts[part] += [
                ReIDImage(os.path.join(folder, path), pid, camera - 1, number)
                for path in paths[own]
            ]
        return parts


def _read_table(file: Path, name: str) -> np.ndarray:
    table = loadmat(file).get(name)
    if table is None or table.ndim != 2:
        raise UserError(f'{file} has no table {name}, as in MARS-evaluation.')
    return table.astype(np.int64)
