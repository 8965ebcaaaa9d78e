"""CUHK03NP: 1467 persons, two cameras, the new protocol."""

from __future__ import annotations

from typing import Any

from mmcion.registry import DATASETS
from mmcion.utils.checks import check_choice

from .three_folder_dataset import ThreeFolderDataset

BOXES = ('labeled', 'detected')


@DATASETS.register_module()
class CUHK03NP(ThreeFolderDataset):
    """CUHK03 with the new protocol of 767 training and 700 test identities.

    Source: Zhong et al., "Re-ranking person re-identification with
    k-reciprocal encoding", CVPR 2017.

    Args:
        args: See ``BaseReIDDataset``.
        boxes: ``'labeled'`` by hand or ``'detected'``.
        kwargs: See ``BaseReIDDataset``.
    """

    archives = ('cuhk03-np', 'CUHK03')
    example = '0001_c2_8.png'
    hint = (
        'Unpack cuhk03-np.zip of the CUHK03-NP repository and set data_root '
        'to the folder. The raw cuhk-03.mat has to be converted first.'
    )

    def __init__(
        self, *args: Any, boxes: str = 'detected', **kwargs: Any
    ) -> None:
        check_choice('boxes', boxes, BOXES)
        self.boxes = boxes
        folders = self.folders.items()  # of the class
        self.folders = {part: f'{boxes}/{name}' for part, name in folders}
        super().__init__(*args, **kwargs)

    @property
    def title(self) -> str:
        """Name of the set with its boxes."""
        return f'CUHK03NP {self.boxes}'
