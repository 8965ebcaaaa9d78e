"""ThreeFolderDataset: archives with folders for train, query and gallery."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from mmcion.utils.checks import UserError
from mmcion.utils.images import list_images

from .archive import UNPACK_AGAIN
from .base_reid_dataset import BaseReIDDataset
from .reid_image import ReIDImage


class ThreeFolderDataset(BaseReIDDataset):
    """Archives in the form of Market-1501, whose names begin ``0002_c1``.

    Identity and camera are in the name; cameras are counted from 0.

    Attributes:
        folders: Folders of the parts.
        pattern: Start of an image's name; the groups are identity and camera.
        example: Example of an image's name, for errors.
    """

    folders: Mapping[str, str] = {
        'train': 'bounding_box_train',
        'query': 'query',
        'gallery': 'bounding_box_test',
    }
    pattern = re.compile(r'(-1|\d+)_c(\d+)', re.ASCII)
    example: ClassVar[str]

    def read(self) -> dict[str, list[ReIDImage]]:
        """Read the folders of the split."""
        root, _ = self.find([self.folders[part] for part in self.parts])
        return self.read_parts(root)

    def read_parts(self, root: Path) -> dict[str, list[ReIDImage]]:
        """Return the images below ``root`` by part."""
        return {
            part: self.read_folder(root / self.folders[part])
            for part in self.parts
        }

    def read_folder(self, folder: Path) -> list[ReIDImage]:
        """Return a folder's images in the order of their names."""
        images, others = [], []
        # some copies are sorted into a folder per identity
        hint = f'{UNPACK_AGAIN} FolderReID reads a folder per identity.'
        for name in list_images(folder, recursive=False, hint=hint):
            found = self.pattern.match(name)
            if found is None:
                others.append(name)
                continue
            pid, camera = map(int, found.groups())
            path = os.path.join(folder, name)
            images.append(ReIDImage(path, pid, self.cam_id(camera, path)))
        if others:
            raise UserError(
                f'{len(others)} images of {folder} are not named like '
                f'{self.example}, such as {others[0]}. Is it {self.title}?'
            )
        return images

    def cam_id(self, camera: int, path: str) -> int:
        """Return the number of a camera, from 0."""
        return camera - 1
