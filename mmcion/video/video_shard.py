"""VideoShard: the tracklets of a finished video, so that a run can resume."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mmcion.structures import TrackletTable
from mmcion.structures.column_folder import load_columns, save_columns
from mmcion.utils.checks import UserError

ANNOTATED = 'annotated'
CROPS = 'crops'
SHARDS = 'videos'


@dataclass
class VideoShard:
    """Tracklets of one source video.

    Attributes:
        columns: ``clip`` (index into ``report['clips']``), ``tracklet_id``,
            ``frame``, ``path``, ``box`` and ``score``, one row per image.
        report: Entry of ``videos.json``; has ``name`` and ``clips``, the
            names of the videos that the source counts as, and ``fps`` where
            it is known.
    """

    KIND = 'VideoShard'

    columns: dict[str, np.ndarray]
    report: dict[str, Any]

    def save(self, folder: Path) -> None:
        """Write the shard as a folder of columns, atomically."""
        header = {'report': self.report}
        save_columns(folder, self.KIND, self.columns, header)

    @classmethod
    def load(cls, folder: Path, clips: Sequence[str]) -> VideoShard | None:
        """Read a shard of the video that the folder is named after.

        Its clips are the folders of its crops. None if the shard is missing,
        damaged or of other clips.
        """
        try:
            columns, header = load_columns(folder, cls.KIND)
            report = header['report']
            names = {'name': folder.name, 'clips': list(clips)}
            if {name: report[name] for name in names} != names:
                return None
            # (n,) names come out of a file: they must not lead elsewhere
            path = np.asarray(columns['path'], 'S')
            prefix = np.char.encode([f'{clip}/' for clip in clips], 'utf-8')
            inside = np.char.startswith(path, prefix[columns['clip']])
            if not (inside & (np.char.count(path, b'/') == 1)).all():
                return None
        except (FileNotFoundError, UserError, LookupError, TypeError):
            return None
        return cls(columns, report)


def join_shards(shards: Sequence[VideoShard], out: Path) -> TrackletTable:
    """Make one table of all shards; its videos are their clips."""

    def column(name: str) -> np.ndarray:
        return np.concatenate([shard.columns[name] for shard in shards])

    # clip index within a shard -> video index within the table
    clips = [shard.report['clips'] for shard in shards]
    first = np.cumsum([0, *map(len, clips[:-1])])
    rows = [len(shard.columns['clip']) for shard in shards]
    video_id = column('clip') + np.repeat(first, rows)
    tracklet_id, frame = column('tracklet_id'), column('frame')
    order = TrackletTable.sort_order(video_id, tracklet_id, frame)
    return TrackletTable.from_columns(
        video_id=video_id[order],
        tracklet_id=tracklet_id[order],
        frame=frame[order],
        path=np.char.decode(column('path')[order], 'utf-8'),
        box=column('box')[order],
        score=column('score')[order],
        videos=[clip for names in clips for clip in names],
        sources=[s.report['name'] for s in shards for _ in s.report['clips']],
        fps=[s.report.get('fps') for s in shards for _ in s.report['clips']],
        image_root=out / CROPS,
    )
