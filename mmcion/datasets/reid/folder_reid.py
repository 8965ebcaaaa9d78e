"""FolderReID: images of one's own, with a folder per identity."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from mmcion.registry import DATASETS

from .archive import find_archive, list_images
from .base_reid_dataset import BaseReIDDataset
from .query_draw import draw_queries
from .reid_image import NO_CAMERA, ReIDImage

_REMEDY = (
    'Put the images into a folder per person: query/PERSON/IMAGE and '
    'gallery/PERSON/IMAGE for testing, train/PERSON/IMAGE for training. '
    'Without query and gallery, draw_queries=True draws queries from '
    'PERSON/IMAGE.'
)


_PARTS = ('gallery', 'query', 'test', 'train')


class _Found(NamedTuple):
    path: str
    person: str
    camera: str


@DATASETS.register_module()
class FolderReID(BaseReIDDataset):
    """Images in ``query/PERSON/*``, ``gallery/PERSON/*``, ``train/PERSON/*``.

    Persons may have any names; they are numbered in the order of these,
    unless all are whole numbers, which then stay as they are (-1 being
    junk). The same holds for cameras.

    Args:
        data_root: the folder.
        split: ``'train'`` or ``'test'``.
        camera: regular expression whose group is the camera, searched for
            in file names, such as ``'_c([0-9]+)'``; without it there are no
            cameras, and the metric needs ``camera_aware=False``.
        draw_queries: draw queries from ``test/PERSON/*`` or, without such a
            folder, from ``PERSON/*``; see ``draw_queries``. Training takes
            all of ``PERSON/*`` where there is no folder ``train``.
        seed: of the draw.
        kwargs: see ``BaseReIDDataset``.

    Raises:
        ValueError: if ``camera`` is no expression with one group.
    """

    def __init__(
        self,
        data_root: str | Path,
        split: str = 'test',
        *,
        camera: str | None = None,
        draw_queries: bool = False,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        self.camera = None if camera is None else re.compile(camera)
        if self.camera is not None and self.camera.groups != 1:
            raise ValueError(
                f'camera must have one group, like _c([0-9]+); got {camera!r}.'
            )
        self.draw_queries = draw_queries
        self.seed = seed
        super().__init__(data_root, split, **kwargs)

    def read(self) -> dict[str, list[ReIDImage]]:
        """Read the folders of the split.

        Raises:
            FileNotFoundError: if a folder is missing or has no images.
            ValueError: if a name has no camera, or the folders of parts
                would be taken for persons.
        """
        parts = {
            part: self._read_persons(folder)
            for part, folder in self._folders().items()
        }
        found = [image for images in parts.values() for image in images]
        pids = _numbers(image.person for image in found)
        cams = _numbers(image.camera for image in found)
        numbered = {
            part: [
                ReIDImage(
                    image.path,
                    pids[image.person],
                    NO_CAMERA if self.camera is None else cams[image.camera],
                )
                for image in images
            ]
            for part, images in parts.items()
        }
        if 'test' not in numbered:
            return numbered
        queries, gallery = draw_queries(numbered['test'], self.seed)
        return {'query': queries, 'gallery': gallery}

    def _folders(self) -> dict[str, Path]:
        root = Path(self.data_root)
        if self.split == 'train' or self.draw_queries:
            layouts: list[list[str]] = [[self.split], []]
        else:
            layouts = [list(self.parts)]
        root, number = find_archive(root, (), layouts, _REMEDY)
        if not layouts[number]:
            parts = [name for name in _PARTS if (root / name).is_dir()]
            if parts:
                raise ValueError(
                    f'{root} has the folders {", ".join(parts)} and no '
                    f'folder {self.split}, from which split={self.split!r} '
                    f'with draw_queries={self.draw_queries} would take '
                    f'persons. {_REMEDY}'
                )
            return {self.split: root}
        return {name: root / name for name in layouts[number]}

    def _read_persons(self, folder: Path) -> list[_Found]:
        persons = sorted(
            path
            for path in folder.iterdir()
            if path.is_dir() and not path.name.startswith('.')
        )
        if not persons:
            raise FileNotFoundError(
                f'{folder} holds no folder of a person. {_REMEDY}'
            )
        return [
            _Found(
                os.path.join(person, name),
                person.name,
                self._camera(name, person),
            )
            for person in persons
            for name in list_images(person)
        ]

    def _camera(self, name: str, folder: Path) -> str:
        if self.camera is None:
            return ''
        found = self.camera.search(name)
        if found is None:
            raise ValueError(
                f'{folder / name} does not name its camera like '
                f'{self.camera.pattern}. Rename it or change camera.'
            )
        return found[1]


def _numbers(names: Iterable[str]) -> dict[str, int]:
    """Return a number for each name: its own value or its place."""
    ordered = sorted(set(names))
    if all(re.fullmatch(r'-?\d+', name, re.ASCII) for name in ordered):
        values = {name: int(name) for name in ordered}
        if len(set(values.values())) == len(ordered):  # 7 and 07 are two
            return values
    return {name: number for number, name in enumerate(ordered)}
