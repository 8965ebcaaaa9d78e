"""FolderReID: images of your own, in one folder per identity."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mmcion.datasets.number_names import number_names
from mmcion.registry import DATASETS
from mmcion.utils.checks import UserError
from mmcion.utils.images import is_hidden, list_images

from .base_reid_dataset import BaseReIDDataset
from .query_draw import draw_queries
from .reid_image import NO_CAMERA, ReIDImage

_PARTS = ('gallery', 'query', 'test', 'train')


@DATASETS.register_module()
class FolderReID(BaseReIDDataset):
    """Images in ``query/PERSON/*``, ``gallery/PERSON/*``, ``train/PERSON/*``.

    Identities and cameras may have any names. They are numbered in the order
    of these, unless all are integers, which are kept (-1 is junk).

    Args:
        args: See ``BaseReIDDataset``.
        camera: Regular expression of the camera in file names, with one
            group, such as ``'_c([0-9]+)'``. Without it no image has a camera,
            and the metric ignores none.
        draw_queries: Whether to draw queries from ``test/PERSON/*`` or,
            without such a folder, from ``PERSON/*``. Training takes all of
            ``PERSON/*`` if there is no folder ``train``.
        seed: Seed of the draw.
        kwargs: See ``BaseReIDDataset``.
    """

    hint = (
        'Put the images into one folder per person: query/PERSON/IMAGE and '
        'gallery/PERSON/IMAGE for testing, train/PERSON/IMAGE for training. '
        'Without query and gallery, draw_queries=True draws queries from '
        'PERSON/IMAGE.'
    )

    def __init__(
        self,
        *args: Any,
        camera: str | None = None,
        draw_queries: bool = False,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        try:
            self.camera = None if camera is None else re.compile(camera)
        except (re.error, TypeError) as error:
            raise UserError(f'camera {camera!r}: {error}') from error
        if self.camera is not None and self.camera.groups != 1:
            raise UserError(f'camera must have one group; got {camera!r}.')
        self.draw_queries = draw_queries
        self.seed = seed
        super().__init__(*args, **kwargs)

    def read(self) -> dict[str, list[ReIDImage]]:
        """Read the folders of the split."""
        found: list[tuple[str, Path]] = []  # part and path of each image
        for part, folder in self._part_folders().items():
            persons = sorted(
                path
                for path in folder.iterdir()
                if path.is_dir() and not is_hidden(path.name)
            )
            if not persons:
                raise FileNotFoundError(
                    f'{folder} has no folder of a person. {self.hint}'
                )
            for person in persons:
                names = list_images(person, recursive=False)
                found += [(part, person / name) for name in names]
        pids = number_names(path.parent.name for _, path in found)
        cameras = [self._find_camera(path) for _, path in found]
        cam_ids = number_names(cameras)
        if self.camera is None:
            cam_ids[''] = NO_CAMERA
        parts: dict[str, list[ReIDImage]] = {}
        for (part, path), camera in zip(found, cameras, strict=True):
            pid = pids[path.parent.name]
            image = ReIDImage(str(path), pid, cam_ids[camera])
            parts.setdefault(part, []).append(image)
        if 'test' in parts:
            return draw_queries(parts['test'], self.seed)
        return parts

    def _find_camera(self, path: Path) -> str:
        if self.camera is None:
            return ''
        match = self.camera.search(path.name)
        if match is None:
            raise UserError(f'{path} has no camera {self.camera.pattern!r}.')
        return match[1]

    def _part_folders(self) -> dict[str, Path]:
        """Return the folders of ``train``, ``test``, or query and gallery."""
        if self.split == 'test' and not self.draw_queries:
            root, _ = self.find(self.parts)
            return {part: root / part for part in self.parts}
        root, index = self.find([self.split], [])
        if index == 0:
            return {self.split: root / self.split}
        parts = [name for name in _PARTS if (root / name).is_dir()]
        if parts:
            raise UserError(
                f'{root} has no folder {self.split}, and {", ".join(parts)} '
                f'would be taken for persons. {self.hint}'
            )
        return {self.split: root}
