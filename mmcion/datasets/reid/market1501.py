"""Market1501: 1501 people of six cameras before a supermarket."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mmcion.registry import DATASETS

from .archive import find_archive
from .reid_image import ReIDImage
from .three_folder_dataset import ThreeFolderDataset


@DATASETS.register_module()
class Market1501(ThreeFolderDataset):
    """Market-1501, with or without its 500k distractors.

    Identity -1 is junk, 0 are distractors, which stay wrong answers.

    Source: Zheng et al., "Scalable person re-identification: a benchmark",
    ICCV 2015.

    Args:
        data_root: the folder with ``bounding_box_train``, ``query`` and
            ``bounding_box_test``, or one above it.
        split: ``'train'`` or ``'test'``.
        distractors: add the folder ``images`` to the gallery.
        kwargs: see ``BaseReIDDataset``.
    """

    archives = ('Market-1501-v15.09.15', 'Market-1501', 'Market')
    example = '0002_c1s1_000451_03.jpg'
    remedy = (
        'Unpack Market-1501-v15.09.15.zip, which its authors offer, and set '
        'data_root to the folder.'
    )

    def __init__(
        self,
        data_root: str | Path,
        split: str = 'test',
        *,
        distractors: bool = False,
        **kwargs: Any,
    ) -> None:
        self.distractors = distractors
        super().__init__(data_root, split, **kwargs)

    def read_parts(self, root: Path) -> dict[str, list[ReIDImage]]:
        """Return the images below ``root`` by part."""
        parts = super().read_parts(root)
        if self.distractors and self.split == 'test':
            remedy = 'It comes with the 500k distractors.'
            find_archive(root, (), [['images']], remedy)
            parts['distractors'] = self.read_folder(root / 'images')
        return parts
