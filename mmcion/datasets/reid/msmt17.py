"""MSMT17: 4101 people of 15 cameras on a campus."""

from __future__ import annotations

import os
from pathlib import Path

from mmengine.logging import print_log

from mmcion.registry import DATASETS

from .archive import check_listed, find_archive
from .reid_image import ReIDImage
from .three_folder_dataset import ThreeFolderDataset

_LISTS = {
    'train': ('list_train.txt', 'list_val.txt'),
    'query': ('list_query.txt',),
    'gallery': ('list_gallery.txt',),
}
_VERSIONS = {
    'v1': {'train': 'train', 'test': 'test'},
    'v2': {'train': 'mask_train_v2', 'test': 'mask_test_v2'},
}


@DATASETS.register_module()
class MSMT17(ThreeFolderDataset):
    """MSMT17 v1, v2 (faces are masked), or repacked like Market-1501.

    What is found is logged, as results on v1 and v2 differ. Training takes
    ``list_train.txt`` and ``list_val.txt``. The labels of training and test
    both begin at 0 and are different people.

    Source: Wei et al., "Person transfer GAN to bridge domain gap for person
    re-identification", CVPR 2018.
    """

    archives = ('MSMT17_V1', 'MSMT17_V2', 'MSMT17')
    example = '0000_c12_0036.jpg'
    remedy = (
        'Its authors give MSMT17_V1 or _V2 on request; unpack it and set '
        'data_root to the folder.'
    )

    def read(self) -> dict[str, list[ReIDImage]]:
        """Read the split in the form that is there.

        Raises:
            FileNotFoundError: if lists, folders or images are missing.
            ValueError: if a line of a list is wrong; names it.
        """
        lists = [name for part in self.parts for name in _LISTS[part]]
        layouts = [
            *([folders[self.split], *lists] for folders in _VERSIONS.values()),
            [self.folders[part] for part in self.parts],
        ]
        root, number = find_archive(
            self.data_root, self.archives, layouts, self.remedy
        )
        if number == len(_VERSIONS):
            form = 'repacked like Market-1501, version unknown'
        else:
            form = list(_VERSIONS)[number]
        print_log(f'{root}: this is MSMT17 {form}', logger='current')
        if number == len(_VERSIONS):
            return self.read_parts(root)
        folder = root / _VERSIONS[form][self.split]
        return {
            part: [
                image
                for name in _LISTS[part]
                for image in _read_list(root / name, folder)
            ]
            for part in self.parts
        }


def _read_list(file: Path, folder: Path) -> list[ReIDImage]:
    images, names = [], []
    for number, line in enumerate(file.read_text().splitlines(), 1):
        if not line.strip():
            continue
        try:
            # 0000/0000_000_01_0303morning_0015_0.jpg 0
            name, label = line.split()
            pid, camera = int(label), int(name.split('_')[2])
        except (ValueError, IndexError) as error:
            raise ValueError(
                f'{file}, line {number}: must be like "0000/0000_000_01_'
                f'0303morning_0015_0.jpg 0"; got {line!r}'
            ) from error
        names.append(name)
        images.append(ReIDImage(os.path.join(folder, name), pid, camera - 1))
    check_listed(folder, names, file)
    return images
