"""SYSUMM01: persons by day in colour and by night in infrared."""

from __future__ import annotations

import os
from pathlib import Path

from mmcion.registry import DATASETS
from mmcion.utils.checks import UserError, join_names
from mmcion.utils.images import is_image_name
from mmcion.utils.io import open_text

from .archive import ON_REQUEST, UNPACK_AGAIN
from .base_reid_dataset import BaseReIDDataset
from .reid_image import ReIDImage

CAMERAS = {'train': range(1, 7), 'query': (3, 6), 'gallery': (1, 2, 4, 5)}
_LISTS = {
    'train': ('exp/train_id.txt', 'exp/val_id.txt'),
    'test': ('exp/test_id.txt',),
}


@DATASETS.register_module()
class SYSUMM01(BaseReIDDataset):
    """SYSU-MM01: infrared queries, a gallery in colour.

    - Cameras keep their numbers 1..6, which the protocol uses: 3 and 6 are
      infrared.
    - The gallery holds all test images in colour, sorted by identity, camera
      and name; from these the protocol draws its galleries.
    - Training takes the identities of ``train_id.txt`` and ``val_id.txt``.

    Source: Wu et al., "RGB-infrared cross-modality person
    re-identification", ICCV 2017.
    """

    archives = ('SYSU-MM01',)
    hint = ON_REQUEST
    ignored_cams = {3: {2}}  # noqa: RUF012  # both look at one place

    def read(self) -> dict[str, list[ReIDImage]]:
        """Read the cameras' folders of the listed identities."""
        lists = _LISTS[self.split]
        cameras = [f'cam{camera}' for camera in CAMERAS['train']]
        root, _ = self.find([*cameras, *lists])
        pids = sorted(
            {pid for name in lists for pid in _read_ids(root / name)}
        )
        parts: dict[str, list[ReIDImage]] = {}
        for part in self.parts:
            parts[part] = [
                ReIDImage(os.path.join(folder, name), pid, camera)
                for pid in pids
                for camera in CAMERAS[part]
                # no person is in all cameras
                if (folder := root / f'cam{camera}' / f'{pid:04d}').is_dir()
                for name in sorted(filter(is_image_name, os.listdir(folder)))
            ]
        found = {image.pid for images in parts.values() for image in images}
        if missing := [pid for pid in pids if pid not in found]:
            raise FileNotFoundError(
                f'{root} has no image of identities {join_names(missing)}. '
                f'{UNPACK_AGAIN}'
            )
        return parts


def _read_ids(file: Path) -> list[int]:
    with open_text(file) as stream:
        line = stream.read().strip().removesuffix(',')
    try:
        return [int(text) for text in line.split(',')]
    except ValueError as error:
        raise UserError(f'{file} must be like 1,2,4: {error}.') from error
