"""Market1501: 1501 persons, six cameras in front of a supermarket."""

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

    Identity -1 is junk; 0 are distractors, which are never a match.

    Source: Zheng et al., "Scalable person re-identification: a benchmark",
    ICCV 2015.

    Args:
        args: See ``BaseReIDDataset``.
        distractors: Whether to add the folder ``images`` to the gallery.
        kwargs: See ``BaseReIDDataset``.
    """

    archives = ('Market-1501-v15.09.15', 'Market-1501', 'Market')
    background = (0,)
    example = '0002_c1s1_000451_03.jpg'
    hint = (
        'Unpack Market-1501-v15.09.15.zip, which its authors offer, and set '
        'data_root to the folder.'
    )

    def __init__(
        self, *args: Any, distractors: bool = False, **kwargs: Any
    ) -> None:
        self.distractors = distractors
        super().__init__(*args, **kwargs)

    def read_parts(self, root: Path) -> dict[str, list[ReIDImage]]:
        """Return the images below ``root`` by part."""
        parts = super().read_parts(root)
        if self.distractors and self.split == 'test':
            # a part of its own, as the published counts are without it
            hint = 'It comes with the 500k distractors.'
            find_archive(root, (), [['images']], hint)
            parts['distractors'] = self.read_folder(root / 'images')
        return parts
