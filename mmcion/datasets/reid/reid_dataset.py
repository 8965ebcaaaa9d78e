"""ReIDDataset: images of your own, listed in a CSV file."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from mmcion.registry import DATASETS
from mmcion.utils.checks import UserError, check_columns, check_file

from .base_reid_dataset import BaseReIDDataset
from .query_draw import draw_queries
from .reid_image import NO_CAMERA, ReIDImage

_SPLITS = ('train', 'query', 'gallery')


@DATASETS.register_module()
class ReIDDataset(BaseReIDDataset):
    """Images listed in a CSV file with the columns path, pid, cam_id, split.

    - ``pid`` and ``cam_id`` are integers; a ``pid`` of -1 is junk.
    - Without ``cam_id`` the metric needs ``camera_aware=False``.
    - ``split`` is ``train``, ``query`` or ``gallery``. Without it all rows
      belong to every split, and a test needs ``draw_queries``.

    Args:
        ann_file: CSV file.
        data_root: Folder that paths are relative to.
        split: ``'train'`` or ``'test'``.
        draw_queries: Whether to draw queries from all rows but ``train``.
        seed: Seed of the draw.
        kwargs: See ``BaseReIDDataset``.
    """

    hint = (
        'Set ann_file (in a config test_dataloader.dataset.ann_file) to a CSV '
        'with the columns path, pid, cam_id and split.'
    )

    def __init__(
        self,
        ann_file: str | Path,
        data_root: str | Path,
        split: str = 'test',
        *,
        draw_queries: bool = False,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        # BaseDataset would join ann_file to data_root; ours are independent
        self._csv = Path(ann_file)
        self.draw_queries = draw_queries
        self.seed = seed
        super().__init__(data_root, split, **kwargs)

    @property
    def source(self) -> str:
        """The CSV file."""
        return str(self._csv)

    def read(self) -> dict[str, list[ReIDImage]]:
        """Read the CSV file."""
        check_file(self._csv, 'list of images', self.hint)
        with open(self._csv, newline='', encoding='utf-8-sig') as stream:
            reader = csv.DictReader(stream)
            columns = reader.fieldnames or ()
            check_columns(self._csv, columns, ('path', 'pid'))
            if self.split == 'test' and not self.draw_queries:
                source = f'{self._csv} (without split: draw_queries=True)'
                check_columns(source, columns, ('split',))
            names = _SPLITS if 'split' in columns else ('any',)
            parts: dict[str, list[ReIDImage]] = {name: [] for name in names}
            for row in reader:
                try:
                    image = ReIDImage(
                        str(Path(self.data_root) / row['path']),
                        int(row['pid']),
                        int(row.get('cam_id', NO_CAMERA)),
                    )
                    parts[row.get('split', 'any')].append(image)
                except (KeyError, TypeError, ValueError) as error:
                    raise UserError(
                        f'{self._csv}, line {reader.line_num}: pid and cam_id '
                        f'must be integers and split one of {_SPLITS}; got '
                        f'{row}.'
                    ) from error
        # rows of no split are all used, for training and for testing
        train = parts.pop('train', parts.get('any', []))
        if self.split == 'train':
            return {'train': train}
        if self.draw_queries:
            images = [image for part in parts.values() for image in part]
            return draw_queries(images, self.seed)
        return parts
