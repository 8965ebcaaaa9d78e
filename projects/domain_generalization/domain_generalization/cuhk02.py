"""CUHK02: 1,816 persons, each in one of five pairs of cameras."""

from __future__ import annotations

import os

from mmcion.datasets.reid import BaseReIDDataset
from mmcion.datasets.reid.reid_image import ReIDImage
from mmcion.registry import DATASETS
from mmcion.utils.checks import UserError
from mmcion.utils.images import list_images

_PAIRS = [f'P{number}' for number in range(1, 6)]


@DATASETS.register_module()
class CUHK02(BaseReIDDataset):
    """All images of ``P1/cam1/001_00001.png`` to ``P5/cam2``, for training.

    Persons of different pairs are different ones; a pair has two cameras of
    its own. Source: Li and Wang, "Locally aligned feature transforms across
    views", CVPR 2013.
    """

    archives = ('CUHK02', 'Dataset')
    hint = 'It is obtained from its authors.'

    def read(self) -> dict[str, list[ReIDImage]]:
        """Read all pairs."""
        if self.split != 'train':
            raise UserError('CUHK02 has the split train only, of all images.')
        folders = [f'{pair}/cam{cam}' for pair in _PAIRS for cam in (1, 2)]
        root, _ = self.find(folders)
        # the pair and the name of a person -> a number
        pids: dict[tuple[str, str], int] = {}
        images = []
        for cam_id, folder in enumerate(folders):
            for name in list_images(root / folder, recursive=False):
                person = folder.split('/')[0], name.split('_')[0]
                pid = pids.setdefault(person, len(pids))
                path = os.path.join(root, folder, name)
                images.append(ReIDImage(path, pid, cam_id))
        return {'train': images}
