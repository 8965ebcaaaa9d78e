"""VideoShard: the rows of one finished video, so that a run can resume."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mmcion.structures import TrackletTable
from mmcion.structures.column_folder import load_columns, save_columns

CROPS = 'crops'
SHARDS = 'videos'


@dataclass
class VideoShard:
    """Tracklets of one source video.

    Attributes:
        columns: ``clip`` (index into ``clips``), ``tracklet_id``, ``frame``,
            ``path``, ``box`` and ``score``, one row per image.
        clips: Names of the videos that the source counts as.
        report: Entry of ``videos.json``.
    """

    KIND = 'VideoShard'

    columns: dict[str, np.ndarray]
    clips: list[str]
    report: dict[str, Any]

    def save(self, folder: Path) -> None:
        """Write the shard as a folder of columns, atomically."""
        header = {'clips': self.clips, 'report': self.report}
        save_columns(folder, self.KIND, self.columns, header)

    @classmethod
    def load(cls, folder: Path) -> VideoShard | None:
        """Read a shard; return None if it is missing or damaged."""
        try:
            columns, header = load_columns(folder, cls.KIND)
        except (FileNotFoundError, ValueError):
            return None
        return cls(columns, header['clips'], header['report'])


def join_shards(shards: Sequence[VideoShard], out: Path) -> TrackletTable:
    """Make one table of all shards; its videos are their clips."""

    def column(name: str) -> np.ndarray:
        return np.concatenate([shard.columns[name] for shard in shards])

    # clip index within a shard -> video index within the table
    first = np.cumsum([0, *(len(shard.clips) for shard in shards[:-1])])
    rows = [len(shard.columns['clip']) for shard in shards]
    video_id = column('clip') + np.repeat(first, rows)
    keys = (video_id, column('tracklet_id'), column('frame'))
    order = TrackletTable.sort_order(*keys)
    return TrackletTable.from_columns(
        video_id=keys[0][order],
        tracklet_id=keys[1][order],
        frame=keys[2][order],
        path=np.char.decode(column('path')[order], 'utf-8'),
        box=column('box')[order],
        score=column('score')[order],
        videos=[clip for shard in shards for clip in shard.clips],
        sources=[
            shard.report['name'] for shard in shards for _ in shard.clips
        ],
        image_root=out / CROPS,
    )
