"""SYSUMM01: people by day in colour and by night in infrared."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from mmcion.registry import DATASETS

from .archive import UNPACK_AGAIN, find_archive, image_names
from .base_reid_dataset import BaseReIDDataset
from .matches import MatchRule
from .reid_image import ReIDImage

CAMERAS = {'train': range(1, 7), 'query': (3, 6), 'gallery': (1, 2, 4, 5)}
_LISTS = {
    'train': ('exp/train_id.txt', 'exp/val_id.txt'),
    'test': ('exp/test_id.txt',),
}
_REMEDY = (
    'Its authors give SYSU-MM01 on request; unpack it and set data_root to '
    'the folder with cam1..cam6 and exp.'
)


@DATASETS.register_module()
class SYSUMM01(BaseReIDDataset):
    """SYSU-MM01: all infrared test images ask for those in colour.

    - Cameras keep their numbers 1..6, which the protocol speaks of: 3 and 6
      are infrared.
    - The gallery holds all test images in colour, sorted by identity, camera
      and name; from these the protocol draws its galleries.
    - Training takes the identities of ``train_id.txt`` and ``val_id.txt``.

    Source: Wu et al., "RGB-infrared cross-modality person
    re-identification", ICCV 2017.
    """

    match_rule = MatchRule(
        'the rule of SYSU-MM01, that camera 2 does not count for camera 3',
        {3: {2}},  # they look at one place
        'Unpack all cameras again.',
    )

    def read(self) -> dict[str, list[ReIDImage]]:
        """Read the cameras' folders of the identities that are listed.

        Raises:
            FileNotFoundError: if a list or a camera's folder is missing, or
                an identity has no image at all.
            ValueError: if a list holds no whole numbers.
        """
        lists = _LISTS[self.split]
        cameras = [f'cam{camera}' for camera in CAMERAS['train']]
        root, _ = find_archive(
            self.data_root, ('SYSU-MM01',), [[*cameras, *lists]], _REMEDY
        )
        pids = sorted({pid for name in lists for pid in _ids(root / name)})
        parts = {
            part: _read_cameras(root, pids, CAMERAS[part])
            for part in self.parts
        }
        found = {image.pid for images in parts.values() for image in images}
        if missing := [pid for pid in pids if pid not in found]:
            raise FileNotFoundError(
                f'{len(missing)} of {len(pids)} identities that '
                f'{" and ".join(str(root / name) for name in lists)} '
                f'names, such as {missing[0]}, have no image in any camera. '
                f'{UNPACK_AGAIN}'
            )
        return parts


def _ids(file: Path) -> list[int]:
    try:
        line = file.read_text().strip().removesuffix(',')
        return [int(text) for text in line.split(',')]
    except ValueError as error:
        raise ValueError(
            f'{file} must be a line of identities such as 1,2,4: {error}'
        ) from error


def _read_cameras(
    root: Path, pids: Iterable[int], cameras: Iterable[int]
) -> list[ReIDImage]:
    """Read the images; nobody is in all cameras."""
    return [
        ReIDImage(os.path.join(folder, name), pid, camera)
        for pid in pids
        for camera in cameras
        if (folder := root / f'cam{camera}' / f'{pid:04d}').is_dir()
        for name in image_names(folder)
    ]
