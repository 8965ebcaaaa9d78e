"""Cut the people of MOTChallenge sequences out of their frames."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np

from mmcion.structures.tracklet_builder import TrackletReading
from mmcion.utils.io import hash_value
from mmcion.utils.progress import progress_bar
from mmcion.utils.skip_report import SkipReport

from .crops import CropFolders, crop_window
from .motchallenge import Sequence, find_sequences, read_boxes
from .video_shard import CROPS, VideoShard, join_shards

NO_FRAME = 'box in a frame that is missing'
BAD_FRAME = 'box in a frame that cannot be read'
TOO_SMALL = 'box lower than the least height'
OUTSIDE = 'box outside of its frame'
_FORMAT = 1  # raise it when shards of older code must not be used


def read_motchallenge(
    root: str | Path,
    out: str | Path,
    *,
    boxes: str | Path | None = None,
    min_height: float = 0,
    min_visibility: float = 0,
    quality: int = 95,
) -> TrackletReading:
    """Cut out all boxes of all sequences; a sequence is a video.

    Crops are cut at the box, clipped to the picture. A second run with the
    same settings takes finished sequences as they are. The true identity of
    a row is its tracklet where the boxes are ground truth, so a person of
    two sequences counts as two.

    Args:
        root: a sequence, or a folder of sequences.
        out: ``crops`` and ``videos`` are written below it.
        boxes: a tracker's output, ``<sequence>.txt`` in a folder or one
            file; without it the ground truth of the sequences.
        min_height: least height of a box in pixels.
        min_visibility: least visible share of ground truth, in [0, 1].
        quality: of the JPEG files, 1..100.

    Raises:
        FileNotFoundError: if a folder or file does not exist.
        ValueError: if there is no sequence, or no box that counts.
    """
    if not 1 <= quality <= 100:
        raise ValueError(f'quality ({quality}) must lie in [1, 100].')
    out = Path(out)
    report = SkipReport(root)
    box_path = None if boxes is None else Path(boxes)
    sequences = find_sequences(Path(root), box_path, report)
    # The old table lists crops that may be about to be replaced.
    shutil.rmtree(out / 'table', ignore_errors=True)
    shards = []
    with progress_bar(sequences, desc='sequences', unit='seq') as bar:
        for sequence in bar:
            settings = {
                'min_height': min_height,
                'min_visibility': min_visibility,
                'quality': quality,
            }
            shard = _sequence_shard(sequence, out, settings)
            report.merge(shard.report['skipped'])
            shards.append(shard)
    if not any(len(shard.columns['path']) for shard in shards):
        raise ValueError(
            '\n  '.join([f'no box of {root} counts', *report.lines()])
        )
    table = join_shards(shards, out)
    truth = table.tracklet_index if boxes is None else None
    return TrackletReading(table, report, truth)


def _sequence_shard(
    sequence: Sequence, out: Path, settings: dict[str, float]
) -> VideoShard:
    stat = sequence.boxes.stat()
    key = hash_value(
        {
            'format': _FORMAT,
            'settings': settings,
            'boxes': (stat.st_size, stat.st_mtime_ns),
            'frames': _frames_stat(sequence),
        }
    )
    folder = out / 'videos' / sequence.name
    shard = VideoShard.load(folder)
    if shard is not None and shard.key == key:
        return shard
    VideoShard.remove(folder, out)
    report = SkipReport(sequence.folder)
    columns = _cut(sequence, out / CROPS, settings, report)
    about = {'name': sequence.name, 'skipped': report.to_dict()}
    shard = VideoShard(columns, [sequence.name], about, key)
    shard.save(folder)
    return shard


def _frames_stat(sequence: Sequence) -> list[tuple[int, int, int]]:
    stats = ((n, path.stat()) for n, path in sorted(sequence.frames.items()))
    return [(n, stat.st_size, stat.st_mtime_ns) for n, stat in stats]


def _cut(
    sequence: Sequence,
    root: Path,
    settings: dict[str, float],
    report: SkipReport,
) -> dict[str, np.ndarray]:
    """Write the crops of a sequence and return the columns of its shard."""
    people = read_boxes(
        sequence.boxes, report, min_visibility=settings['min_visibility']
    )
    crops = CropFolders(root, sequence.name, int(settings['quality']))
    names: dict[int, str] = {}
    frames, starts = np.unique(people.frame, return_index=True)
    stops = np.append(starts, len(people.frame))[1:]
    for frame, start, stop in zip(frames, starts, stops, strict=True):
        rows = range(start, stop)
        where = f'{sequence.name} frame {frame}'
        path = sequence.frames.get(int(frame))
        image = None if path is None else cv2.imread(str(path))
        if image is None:
            reason = NO_FRAME if path is None else BAD_FRAME
            report.skip(reason, where, count=len(rows))
            continue
        height, width = image.shape[:2]
        for row in rows:
            track = people.track[row]
            x, y, w, h = people.box[row]
            corners = np.array([x, y, x + w, y + h])
            x1, y1, x2, y2 = crop_window(corners, width, height, 0)
            if h < settings['min_height']:
                report.skip(TOO_SMALL, f'{where} id {track}')
            elif x2 <= x1 or y2 <= y1:
                report.skip(OUTSIDE, f'{where} id {track}')
            else:
                names[row] = f'{track:06d}_{frame - 1:07d}.jpg'
                crops.add(names[row], image[y1:y2, x1:x2])
    crops.finish((sequence.name, name) for name in names.values())
    kept = np.array(list(names), np.int64)
    kept = kept[np.lexsort((people.frame[kept], people.track[kept]))]
    paths = [f'{sequence.name}/{names[row]}'.encode() for row in kept]
    return {
        'clip': np.zeros(len(kept), np.int64),
        'tracklet_id': people.track[kept],
        'frame': people.frame[kept] - 1,
        'path': np.array(paths, 'S'),
        'box': people.box[kept].astype(np.float32),
        'score': people.score[kept].astype(np.float32),
    }
