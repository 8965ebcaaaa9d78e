"""AnnotationTable: the labelled images of pre-training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mmcion.utils.checks import UserError, check_file, check_same_length

from .cion_json import read_cion_json, write_cion_json
from .column_folder import load_columns, save_columns
from .columns import as_integers, encode_paths


class AnnotationTable:
    """N images with identity and camera, as memory-mapped columns.

    Attributes:
        path: ``(N,)`` bytes, relative to the image root.
        pid: ``(N,)`` int32 identity, 0..P-1.
        cam_id: ``(N,)`` int32 camera or video; 0 if unknown.

    Args:
        path: ``(N,)`` text or bytes.
        pid: ``(N,)`` integers.
        cam_id: ``(N,)`` integers, or None if unknown.

    Raises:
        UserError: If columns differ in length or are not integers, or a pid
            is negative.
    """

    KIND = 'AnnotationTable'

    def __init__(
        self,
        path: Sequence[str] | np.ndarray,
        pid: np.ndarray,
        cam_id: np.ndarray | None = None,
    ) -> None:
        # neither copies a column that has its type already, such as a map
        self.path = encode_paths(path)
        self.pid = as_integers('pid', pid, np.int32)
        if cam_id is None:
            cam_id = np.zeros(len(self.pid), np.int32)
        self.cam_id = as_integers('cam_id', cam_id, np.int32)
        check_same_length(path=self.path, pid=self.pid, cam_id=self.cam_id)
        if self.pid.min(initial=0) < 0:
            raise UserError('pid must be >= 0: drop unassigned rows first.')

    def __len__(self) -> int:
        return len(self.pid)

    def save(self, folder: str | Path) -> None:
        """Write the table as a folder of columns, atomically."""
        columns = {'path': self.path, 'pid': self.pid, 'cam_id': self.cam_id}
        save_columns(folder, self.KIND, columns, {})

    @classmethod
    def load(cls, source: str | Path) -> AnnotationTable:
        """Open a saved folder, or read a CION annotation JSON.

        Raises:
            FileNotFoundError: If ``source`` is missing, or a folder of
                something else.
            UserError: If it is damaged or of another form.
        """
        if not Path(source).is_dir():
            return cls.from_cion_json(source)
        columns, _ = load_columns(source, cls.KIND)
        return cls(columns['path'], columns['pid'], columns['cam_id'])

    def to_cion_json(self, file: str | Path) -> None:
        """Write CION's annotation file; see ``write_cion_json``."""
        write_cion_json(file, self.path, self.pid)

    @classmethod
    def from_cion_json(cls, file: str | Path) -> AnnotationTable:
        """Read CION's annotation file; ids are relabelled to 0..P-1.

        Raises:
            FileNotFoundError: If it is missing.
            UserError: If it is truncated or of another form.
        """
        path, ids = read_cion_json(check_file(file, 'annotation'))
        # identities in the order of their ids: (N,) ids -> (N,) 0..P-1
        _, pid = np.unique(ids, return_inverse=True)
        return cls(path, pid)
