"""ThreeFolderDataset: archives with folders for train, query and gallery."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import ClassVar

from .archive import find_archive, list_images
from .base_reid_dataset import BaseReIDDataset
from .reid_image import ReIDImage

# cameras may have several digits
IMAGE_NAME = re.compile(r'(-1|\d+)_c(\d+)', re.ASCII)


class ThreeFolderDataset(BaseReIDDataset):
    """Archives in the form of Market-1501, whose names begin ``0002_c1``.

    Identity and camera are in the name; cameras are counted from 0.

    Attributes:
        archives: names of the archive's own folder, as found in the wild.
        folders: of the parts.
        example: of an image's name, for errors.
        remedy: how to get the data, for errors.
    """

    archives: ClassVar[tuple[str, ...]]
    folders: ClassVar[dict[str, str]] = {
        'train': 'bounding_box_train',
        'query': 'query',
        'gallery': 'bounding_box_test',
    }
    example: ClassVar[str]
    remedy: ClassVar[str]

    def read(self) -> dict[str, list[ReIDImage]]:
        """Read the folders of the split.

        Raises:
            FileNotFoundError: if a folder is missing or empty.
            ValueError: if images are named otherwise.
        """
        needed = [self.folders[part] for part in self.parts]
        root, _ = find_archive(
            self.data_root, self.archives, [needed], self.remedy
        )
        return self.read_parts(root)

    def read_parts(self, root: Path) -> dict[str, list[ReIDImage]]:
        """Return the images below ``root`` by part."""
        return {
            part: self.read_folder(root / self.folders[part])
            for part in self.parts
        }

    def read_folder(self, folder: Path) -> list[ReIDImage]:
        """Return a folder's images in the order of their names."""
        images, strange = [], []
        for name in list_images(folder):
            found = IMAGE_NAME.match(name)
            if found is None:
                strange.append(name)
                continue
            pid, camera = map(int, found.groups())
            path = os.path.join(folder, name)
            images.append(ReIDImage(path, pid, self.cam_id(camera, path)))
        if strange:
            raise ValueError(
                f'{len(strange)} images of {folder} are not named like '
                f'{self.example}, such as {strange[0]}. Is it '
                f'{self.title}? If so, move them away.'
            )
        return images

    def cam_id(self, camera: int, path: str) -> int:
        """Return the number that a camera gets; from 0."""
        return camera - 1
