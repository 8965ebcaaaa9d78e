"""MSMT17: 4101 persons on a campus, 15 cameras."""

from __future__ import annotations

import os
import re

from mmengine.logging import print_log

from mmcion.registry import DATASETS

from .archive import ON_REQUEST
from .image_list import read_image_list
from .reid_image import ReIDImage
from .three_folder_dataset import ThreeFolderDataset

_LISTS = {
    'train': ('list_train.txt', 'list_val.txt'),
    'query': ('list_query.txt',),
    'gallery': ('list_gallery.txt',),
}
# the camera is the third field of the path
_LINE = re.compile(r'([^_]+_[^_]+_(\d+)_\S+)\s+(\d+)', re.ASCII)
_EXAMPLE = '0000/0000_000_01_0303morning_0015_0.jpg 0'
_VERSIONS = {'v1': '{}', 'v2': 'mask_{}_v2'}  # folder of a split


@DATASETS.register_module()
class MSMT17(ThreeFolderDataset):
    """MSMT17 v1, v2 (masked faces), or repacked like Market-1501.

    The form is logged, as results on v1 and v2 differ. Training takes
    ``list_train.txt`` and ``list_val.txt``. The labels of training and test
    both begin at 0 and are different persons.

    Source: Wei et al., "Person transfer GAN to bridge domain gap for person
    re-identification", CVPR 2018.
    """

    archives = ('MSMT17_V1', 'MSMT17_V2', 'MSMT17')
    example = '0000_c12_0036.jpg'
    hint = ON_REQUEST

    def read(self) -> dict[str, list[ReIDImage]]:
        """Read the split in the form that is there."""
        lists = [name for part in self.parts for name in _LISTS[part]]
        folders = [name.format(self.split) for name in _VERSIONS.values()]
        root, index = self.find(
            *([folder, *lists] for folder in folders),
            [self.folders[part] for part in self.parts],
        )
        forms = [*_VERSIONS, 'repacked like Market-1501, version unknown']
        self.version = forms[index]
        print_log(f'{root}: this is MSMT17 {self.version}', logger='current')
        if index == len(_VERSIONS):
            return self.read_parts(root)
        # paths in the lists are relative to the folder of the split
        folder = root / folders[index]
        return {
            part: [
                ReIDImage(os.path.join(folder, name), int(pid), int(cam) - 1)
                for file in _LISTS[part]
                for name, cam, pid in read_image_list(
                    root / file, folder, _LINE, _EXAMPLE
                )
            ]
            for part in self.parts
        }
