"""ReIDDataset: query and gallery images of an evaluation."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from mmengine.dataset import BaseDataset
from mmengine.logging import print_log

from mmcion.registry import DATASETS

_COLUMNS = ('path', 'pid', 'cam_id', 'split')
_SPLITS = ('query', 'gallery')


@DATASETS.register_module()
class ReIDDataset(BaseDataset):
    """Images listed in a CSV file with the columns path, pid, cam_id, split.

    ``split`` is ``query`` or ``gallery``. How many queries have a match
    under the same-identity-same-camera rule is said when the dataset is
    built, so that a run does not fail at its first validation.

    Args:
        ann_file: the CSV file.
        data_root: folder that paths are relative to.
        kwargs: passed on to mmengine's ``BaseDataset``, ``pipeline`` among
            them.
    """

    def __init__(self, ann_file: str, data_root: str, **kwargs: Any) -> None:
        # BaseDataset would join ann_file to data_root; ours are independent
        self._csv = Path(ann_file)
        super().__init__(ann_file='', data_root=data_root, **kwargs)

    def load_data_list(self) -> list[dict[str, Any]]:
        """Read the CSV.

        Raises:
            FileNotFoundError: if it is missing.
            ValueError: if columns or values are wrong; names the line.
        """
        with open(self._csv, newline='') as stream:
            reader = csv.DictReader(stream)
            missing = set(_COLUMNS) - set(reader.fieldnames or ())
            if missing:
                raise ValueError(
                    f'{self._csv} lacks the columns {sorted(missing)}; it '
                    f'needs {_COLUMNS}.'
                )
            items = [self._item(row, reader.line_num) for row in reader]
        if not items:
            raise ValueError(f'{self._csv} lists no images.')
        self._report(items)
        return items

    def _item(self, row: dict[str, str], line: int) -> dict[str, Any]:
        if row['split'] not in _SPLITS:
            raise ValueError(
                f'{self._csv}, line {line}: split must be one of {_SPLITS}; '
                f'got {row["split"]!r}'
            )
        try:
            pid, cam_id = int(row['pid']), int(row['cam_id'])
        except ValueError as error:
            raise ValueError(
                f'{self._csv}, line {line}: pid and cam_id must be integers; '
                f'got {row["pid"]!r}, {row["cam_id"]!r}'
            ) from error
        return {
            'img_path': str(Path(self.data_root) / row['path']),
            'pid': pid,
            'cam_id': cam_id,
            'is_query': row['split'] == 'query',
        }

    def _report(self, items: list[dict[str, Any]]) -> None:
        seen: dict[int, set[int]] = {}
        for item in items:
            if not item['is_query']:
                seen.setdefault(item['pid'], set()).add(item['cam_id'])
        queries = [item for item in items if item['is_query']]
        matched = sum(
            bool(seen.get(item['pid'], set()) - {item['cam_id']})
            for item in queries
        )
        print_log(
            f'{self._csv}: {len(queries)} queries, {matched} with a match in '
            f'another camera; {len(items) - len(queries)} gallery images',
            logger='current',
        )
