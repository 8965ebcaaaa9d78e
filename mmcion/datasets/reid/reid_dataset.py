"""ReIDDataset: images of your own, listed in a CSV file."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from mmcion.registry import DATASETS
from mmcion.utils.checks import UserError, check_choice
from mmcion.utils.csv_table import read_csv_rows

from .base_reid_dataset import TEST_PARTS, BaseReIDDataset
from .query_draw import draw_queries
from .reid_image import NO_CAMERA, ReIDImage

_SPLITS = ('train', 'query', 'gallery')


@DATASETS.register_module()
class ReIDDataset(BaseReIDDataset):
    """Images listed in a CSV file with the columns path, pid, cam_id, split.

    - ``pid`` and ``cam_id`` are integers; a ``pid`` of -1 is junk.
    - Without ``cam_id`` no image has a camera, and the metric ignores none.
    - ``split`` is ``train``, ``query`` or ``gallery``. Without it all rows
      belong to every split, and a test needs ``draw_queries``.

    Args:
        ann_file: CSV file.
        data_root: Folder that paths are relative to.
        split: ``'train'`` or ``'test'``.
        draw_queries: Whether to draw queries from all rows but ``train``.
        seed: Seed of the draw.
        ignore: Further columns of the file, which are not read.
        kwargs: See ``BaseReIDDataset``.
    """

    hint = (
        'ann_file (in a config test_dataloader.dataset.ann_file) takes a CSV '
        'with the columns path, pid and, optionally, cam_id and split.'
    )

    def __init__(
        self,
        ann_file: str | Path,
        data_root: str | Path,
        split: str = 'test',
        *,
        draw_queries: bool = False,
        seed: int = 0,
        ignore: Collection[str] = (),
        **kwargs: Any,
    ) -> None:
        # BaseDataset would join ann_file to data_root; ours are independent
        self._csv = Path(ann_file)
        self.draw_queries = draw_queries
        self.seed = seed
        self.ignore = ignore
        super().__init__(data_root, split, **kwargs)

    @property
    def source(self) -> str:
        """The CSV file."""
        return str(self._csv)

    def read(self) -> dict[str, list[ReIDImage]]:
        """Read the CSV file."""
        parts = self.read_parts()
        if self.split == 'train':
            return {'train': parts['train']}
        if 'any' in parts and not self.draw_queries:
            raise UserError(
                f'{self._csv} needs a column split, or draw_queries=True.'
            )
        del parts['train']
        if self.draw_queries:
            images = [image for part in parts.values() for image in part]
            return draw_queries(images, self.seed)
        return {name: parts.get(name, []) for name in TEST_PARTS}

    def read_parts(self) -> dict[str, list[ReIDImage]]:
        """Read images by their split, ``any`` without one.

        Those of ``train`` are all where the file has no splits.
        """
        rows = read_csv_rows(
            self._csv,
            ('path', 'pid'),
            ('cam_id', 'split'),
            ignore=self.ignore,
            what='list of images',
            hint=f'{self.hint} Name others in its option ignore.',
        )
        parts: dict[str, list[ReIDImage]] = {}
        for line, (path, pid, cam_id, split) in rows:
            try:
                image = ReIDImage(
                    str(Path(self.data_root) / path),
                    int(pid),
                    NO_CAMERA if cam_id is None else int(cam_id),
                )
                check_choice('split', split, (*_SPLITS, None))
            except ValueError as error:
                raise UserError(
                    f'{self._csv} line {line}: pid {pid!r} or cam_id '
                    f'{cam_id!r} is no integer, or split {split!r} none of '
                    f'{", ".join(_SPLITS)}.'
                ) from error
            parts.setdefault(split or 'any', []).append(image)
        # rows of no split are all used, for training and for testing
        parts.setdefault('train', parts.get('any', []))
        return parts
