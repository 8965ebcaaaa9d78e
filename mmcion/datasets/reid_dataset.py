"""ReIDDataset: images of one's own, listed in a CSV file."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from mmcion.registry import DATASETS

from .reid.base_reid_dataset import BaseReIDDataset
from .reid.query_draw import draw_queries
from .reid.reid_image import NO_CAMERA, ReIDImage

_SPLITS = ('train', 'query', 'gallery')


@DATASETS.register_module(name=['ReIDDataset', 'CSVReID'])
class ReIDDataset(BaseReIDDataset):
    """Images listed in a CSV file with the columns path, pid, cam_id, split.

    - ``pid`` and ``cam_id`` are whole numbers; a ``pid`` of -1 is junk.
    - Without ``cam_id`` there are no cameras, and the metric needs
      ``camera_aware=False``.
    - ``split`` of a row is ``train``, ``query`` or ``gallery``. Without it
      all rows are the split that is asked for, and for a test queries have
      to be drawn.

    Args:
        ann_file: the CSV file.
        data_root: folder that paths are relative to.
        split: ``'train'`` or ``'test'``.
        draw_queries: draw queries from all rows but those of ``train``; see
            ``draw_queries``.
        seed: of the draw.
        kwargs: see ``BaseReIDDataset``.
    """

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
        """Read the CSV.

        Raises:
            FileNotFoundError: if it is missing.
            ValueError: if columns or values are wrong; names the line.
        """
        parts: dict[str, list[ReIDImage]] = {name: [] for name in _SPLITS}
        parts['any'] = []
        if not self._csv.is_file():
            raise FileNotFoundError(
                f'there is no list of images at {self._csv}; set ann_file, in '
                f'a config test_dataloader.dataset.ann_file, to a CSV with '
                f'the columns path, pid, cam_id and split.'
            )
        with open(self._csv, newline='', encoding='utf-8-sig') as stream:
            reader = csv.DictReader(stream)
            self._check(reader.fieldnames or ())
            for row in reader:
                split = row.get('split', 'any')
                if 'split' in row and split not in _SPLITS:
                    raise ValueError(
                        f'{self._csv}, line {reader.line_num}: split must be '
                        f'one of {_SPLITS}; got {split!r}'
                    )
                parts[split].append(self._image(row, reader.line_num))
        if self.split == 'train':
            return {'train': parts['any'] or parts['train']}
        if self.draw_queries:
            images = parts['query'] + parts['gallery'] + parts['any']
            parts['query'], parts['gallery'] = draw_queries(images, self.seed)
        return {'query': parts['query'], 'gallery': parts['gallery']}

    def _check(self, columns: Any) -> None:
        missing = [name for name in ('path', 'pid') if name not in columns]
        if missing:
            raise ValueError(
                f'{self._csv} lacks the columns {missing}; it needs path and '
                f'pid, and may have cam_id and split.'
            )
        needs_split = self.split == 'test' and not self.draw_queries
        if needs_split and 'split' not in columns:
            raise ValueError(
                f'{self._csv} lacks the column split, which tells query and '
                f'gallery apart. Add it, or have queries drawn: '
                f'draw_queries=True.'
            )

    def _image(self, row: dict[str, str], line: int) -> ReIDImage:
        pid, cam_id = row['pid'], row.get('cam_id', str(NO_CAMERA))
        path = str(Path(self.data_root) / row['path'])
        try:
            return ReIDImage(path, int(pid), int(cam_id))
        except (TypeError, ValueError) as error:
            raise ValueError(
                f'{self._csv}, line {line}: pid and cam_id must be integers; '
                f'got {pid!r}, {cam_id!r}'
            ) from error


CSVReID = ReIDDataset
