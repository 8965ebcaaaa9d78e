"""RegDB: persons in pairs of visible and thermal images."""

from __future__ import annotations

import os
import re
from typing import Any

from mmcion.registry import DATASETS
from mmcion.utils.checks import check_choice

from .archive import ON_REQUEST
from .base_reid_dataset import BaseReIDDataset
from .image_list import read_image_list
from .reid_image import ReIDImage

TRIALS = range(1, 11)
MODALITIES = ('visible', 'thermal')
_LINE = re.compile(r'(\S+)\s+(\d+)', re.ASCII)
_EXAMPLE = 'Visible/285/male_back_v_05528_285.bmp 0'


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
        args: See ``BaseReIDDataset``.
        trial: Number of the split, 1..10.
        query: Modality of the queries, ``'visible'`` or ``'thermal'``.
        kwargs: See ``BaseReIDDataset``.
    """

    archives = ('RegDB',)
    hint = ON_REQUEST

    def __init__(
        self,
        *args: Any,
        trial: int = 1,
        query: str = 'visible',
        **kwargs: Any,
    ) -> None:
        check_choice('trial', trial, TRIALS)
        check_choice('query', query, MODALITIES)
        self.trial = trial
        self.query = query
        super().__init__(*args, **kwargs)

    def read(self) -> dict[str, list[ReIDImage]]:
        """Read the lists of the split."""
        lists = [f'idx/{self.split}_{m}_{self.trial}.txt' for m in MODALITIES]
        root, _ = self.find(lists)
        # the modality is the camera, so that all pairs count as matches
        parts = []
        for camera, name in enumerate(lists):
            rows = read_image_list(root / name, root, _LINE, _EXAMPLE)
            parts.append(
                [
                    ReIDImage(os.path.join(root, path), int(pid), camera)
                    for path, pid in rows
                ]
            )
        visible, thermal = parts
        if self.split == 'train':
            return {'train': visible + thermal}
        if self.query == 'visible':
            return {'query': visible, 'gallery': thermal}
        return {'query': thermal, 'gallery': visible}
