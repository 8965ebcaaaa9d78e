"""RegDB: people in pairs of visible and thermal images."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from mmcion.registry import DATASETS

from .archive import find_archive
from .base_reid_dataset import BaseReIDDataset
from .image_list import read_image_list
from .reid_image import ReIDImage

TRIALS = range(1, 11)
MODALITIES = ('visible', 'thermal')
_LINE = re.compile(r'(\S+)\s+(\d+)', re.ASCII)
_EXAMPLE = 'Visible/285/male_back_v_05528_285.bmp 0'
_REMEDY = (
    'Its authors give RegDB on request; unpack it and set data_root to the '
    'folder with Visible, Thermal and idx.'
)


@DATASETS.register_module()
class RegDB(BaseReIDDataset):
    """RegDB, one of ten splits; the modality, 0 or 1, is the camera.

    Published results are means over the splits with a model trained for
    each.

    Source: Nguyen et al., "Person recognition system based on a combination
    of body images from visible light and thermal cameras", Sensors 2017;
    splits of Ye et al., "Hierarchical discriminative learning for visible
    thermal person re-identification", AAAI 2018.

    Args:
        data_root: the folder with ``Visible``, ``Thermal`` and ``idx``, or
            one above it.
        split: ``'train'``, both modalities, or ``'test'``.
        trial: number of the split, 1..10.
        query: modality of the queries, ``'visible'`` or ``'thermal'``; the
            other one is the gallery.
        kwargs: see ``BaseReIDDataset``.

    Raises:
        ValueError: if ``trial`` or ``query`` are unknown.
    """

    def __init__(
        self,
        data_root: str | Path,
        split: str = 'test',
        *,
        trial: int = 1,
        query: str = 'visible',
        **kwargs: Any,
    ) -> None:
        if trial not in TRIALS:
            raise ValueError(f'trial must be one of 1..10; got {trial!r}.')
        if query not in MODALITIES:
            raise ValueError(
                f'query must be one of {MODALITIES}; got {query!r}.'
            )
        self.trial = trial
        self.query = query
        super().__init__(data_root, split, **kwargs)

    def read(self) -> dict[str, list[ReIDImage]]:
        """Read the lists of the split.

        Raises:
            FileNotFoundError: if lists or images are missing.
            ValueError: if a line of a list is wrong; names it.
        """
        lists = {
            modality: f'idx/{self.split}_{modality}_{self.trial}.txt'
            for modality in MODALITIES
        }
        root, _ = find_archive(
            self.data_root, ('RegDB',), [list(lists.values())], _REMEDY
        )
        images = {
            modality: [
                ReIDImage(os.path.join(root, path), int(pid), camera)
                for path, pid in read_image_list(
                    root / lists[modality], root, _LINE, _EXAMPLE
                )
            ]
            for camera, modality in enumerate(MODALITIES)
        }
        if self.split == 'train':
            return {'train': images['visible'] + images['thermal']}
        queries = images.pop(self.query)
        (gallery,) = images.values()
        return {'query': queries, 'gallery': gallery}
