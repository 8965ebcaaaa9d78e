"""AnnotationTable: the labelled images of pre-training."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from mmengine.logging import print_log

from mmcion.utils.checks import UserError, check_file, check_same_length
from mmcion.utils.io import read_json

from .cion_json import read_cion_json, write_cion_json
from .column_folder import HEADER, load_columns, save_columns
from .columns import as_integers, encode_paths
from .tracklet_table import TrackletTable

_COLUMNS = {'path': 'S', 'pid': 'iu', 'cam_id': 'iu'}


class AnnotationTable:
    """N images with identity and camera, as memory-mapped columns.

    Attributes:
        path: ``(N,)`` bytes (text is encoded), relative to ``image_root``.
        pid: ``(N,)`` int32 identity, 0..P-1.
        cam_id: ``(N,)`` int32 camera or video; 0 if unknown.
        image_root: Folder, LMDB or tar files of the images, if known.
        num_junk: Number of images with a negative id, which were left out.
    """

    KIND = 'AnnotationTable'

    def __init__(
        self,
        path: Sequence[str] | np.ndarray,
        pid: np.ndarray,
        cam_id: np.ndarray | None = None,
        image_root: str | Path | None = None,
    ) -> None:
        # neither copies a column that has its type already, such as a map
        self.path = encode_paths(path)
        self.pid = as_integers('pid', pid, np.int32)
        if cam_id is None:
            cam_id = np.zeros(len(self.pid), np.int32)
        self.cam_id = as_integers('cam_id', cam_id, np.int32)
        self.image_root = None if image_root is None else Path(image_root)
        self.num_junk = 0
        check_same_length(path=self.path, pid=self.pid, cam_id=self.cam_id)
        if self.pid.min(initial=0) < 0:
            raise UserError('pid must be >= 0: drop unassigned rows first.')

    def __len__(self) -> int:
        return len(self.pid)

    def save(self, folder: str | Path) -> None:
        """Write the table as a folder of columns, atomically."""
        columns = {'path': self.path, 'pid': self.pid, 'cam_id': self.cam_id}
        header = {'image_root': self.image_root}
        save_columns(folder, self.KIND, columns, header)

    @classmethod
    def load(cls, source: str | Path) -> AnnotationTable:
        """Open a saved folder, or read a CION annotation JSON.

        The folder may be a ``TrackletTable``; see ``from_tracklets``.
        """
        if not Path(source).is_dir():
            return cls.from_cion_json(source)
        file = Path(source) / HEADER
        if file.is_file():
            kind = read_json(file, {'kind': str})['kind']
            if kind == TrackletTable.KIND:
                return cls.from_tracklets(TrackletTable.load(source))
        columns, header = load_columns(source, cls.KIND, _COLUMNS)
        known = {name: columns[name] for name in _COLUMNS}
        return cls(**known, image_root=header['image_root'])

    @classmethod
    def from_tracklets(cls, table: TrackletTable) -> AnnotationTable:
        """Take every tracklet as an identity, and its video as a camera.

        Images of a tracker are labelled so before any denoising.
        """
        if table.path is None:
            raise UserError('the table has no image paths.')
        pid, cam_id = table.tracklet_index, table.video_id
        return cls(table.path, pid, cam_id, table.image_root)

    def to_cion_json(self, file: str | Path) -> None:
        """Write CION's annotation file; see ``write_cion_json``."""
        write_cion_json(file, self.path, self.pid)

    @classmethod
    def from_cion_json(cls, file: str | Path) -> AnnotationTable:
        """Read CION's annotation file; ids are relabelled to 0..P-1.

        The image root is the folder of the file, as in CION-AL. Images of
        negative ids, which are no identities, are left out.
        """
        path, ids = read_cion_json(check_file(file, 'annotation'))
        num_junk = int((ids < 0).sum())
        if num_junk:
            print_log(
                f'{file}: {num_junk} of {len(ids)} images are left out: their '
                f'id is negative, such as {ids[ids < 0][0]}',
                logger='current',
                level=logging.WARNING,
            )
            path, ids = path[ids >= 0], ids[ids >= 0]
        # identities in the order of their ids: (N,) ids -> (N,) 0..P-1
        _, pid = np.unique(ids, return_inverse=True)
        table = cls(path, pid, image_root=Path(file).parent)
        table.num_junk = num_junk
        return table
