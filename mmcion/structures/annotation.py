"""AnnotationTable: the labelled images that pre-training reads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .cion_json import read_cion_json, write_cion_json
from .column_folder import (
    load_columns,
    root_from_header,
    root_in_header,
    save_columns,
)
from .columns import as_integers, encode_paths


class AnnotationTable:
    """N images with identity and camera, as memory-mapped columns.

    Attributes:
        path: ``(N,)`` bytes, relative to ``image_root``.
        pid: ``(N,)`` int32 identity, 0..P-1.
        cam_id: ``(N,)`` int32 camera or video; 0 where unknown.
        image_root: Folder, LMDB or tar files of the images; None if unknown.
    """

    KIND = 'AnnotationTable'

    def __init__(
        self,
        path: Sequence[str] | np.ndarray,
        pid: np.ndarray,
        cam_id: np.ndarray | None = None,
        image_root: str | Path | None = None,
    ) -> None:
        self.path = encode_paths(path)
        self.pid = as_integers('pid', pid, np.int32)
        if cam_id is None:
            cam_id = np.zeros(len(self.pid), np.int32)
        self.cam_id = as_integers('cam_id', cam_id, np.int32)
        self.image_root = None if image_root is None else Path(image_root)
        lengths = {len(self.path), len(self.pid), len(self.cam_id)}
        if len(lengths) > 1:
            raise ValueError(
                f'an AnnotationTable needs one pid and cam_id per path; got '
                f'{len(self.path)} paths, {len(self.pid)} pids, '
                f'{len(self.cam_id)} cam_ids.'
            )
        if len(self.pid) and self.pid.min() < 0:
            raise ValueError('pid must be >= 0: drop unassigned rows first.')

    def __len__(self) -> int:
        return len(self.pid)

    def save(self, folder: str | Path) -> None:
        """Write the table as a folder of columns, atomically."""
        columns = {'path': self.path, 'pid': self.pid, 'cam_id': self.cam_id}
        root = root_in_header(self.image_root, folder)
        save_columns(folder, self.KIND, columns, {'image_root': root})

    @classmethod
    def load(cls, source: str | Path) -> AnnotationTable:
        """Open a saved folder, or read a CION annotation JSON.

        Raises:
            FileNotFoundError: if ``source`` does not exist.
            ValueError: if it is neither; names what is wrong.
        """
        source = Path(source)
        if not source.exists():
            raise FileNotFoundError(f'there is no annotation at {source}')
        if source.is_file():
            return cls.from_cion_json(source)
        columns, header = load_columns(source, cls.KIND)
        root = root_from_header(header, source)
        return cls(columns['path'], columns['pid'], columns['cam_id'], root)

    def to_cion_json(self, file: str | Path) -> None:
        """Write CION's annotation file: ``[{"file_path", "id"}, ...]``.

        Ordered by id, as the published file is; rows of one id keep their
        order.
        """
        write_cion_json(file, self.path, self.pid)

    @classmethod
    def from_cion_json(cls, file: str | Path) -> AnnotationTable:
        """Read CION's annotation file; ids are relabelled to 0..P-1.

        The image root is the folder of the file, as in CION-AL.

        Raises:
            ValueError: if it breaks off or is not a list of objects with
                both keys; names the entry.
        """
        path, ids = read_cion_json(file)
        _, pid = np.unique(ids, return_inverse=True)
        return cls(path, pid, image_root=Path(file).parent)
