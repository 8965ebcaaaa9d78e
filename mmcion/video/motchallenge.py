"""Tracklets of MOTChallenge sequences: boxes and frames become crops."""

from __future__ import annotations

import configparser
import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmcion.structures import TrackletTable
from mmcion.structures.tracklet_builder import TrackletReading
from mmcion.utils.checks import (
    UserError,
    check_folder,
    check_interval,
    join_names,
)
from mmcion.utils.image_file import (
    UnreadableImageError,
    decode_image,
    read_image_file,
)
from mmcion.utils.io import hash_file, hash_value, open_text
from mmcion.utils.paths import is_utf8, path_below
from mmcion.utils.progress import progress_bar
from mmcion.utils.result_folder import ResultFolder
from mmcion.utils.skip_report import SkipReport

from .box_files import read_mot
from .crops import CropFolders, crop_window
from .video_shard import CROPS, SHARDS, VideoShard, join_shards

_FORMAT = 1  # raise it when results of older code must not be resumed
_TRUTH = Path('gt', 'gt.txt')
# MOT17 has every sequence three times, with the boxes of three detectors.
_COPY = re.compile(r'(.+)-(DPM|FRCNN|SDP)')
_FRAME_NAME = re.compile(r'(\d+)\.(jpg|jpeg|png)', re.ASCII | re.IGNORECASE)

NO_BOXES = 'sequence without a file of boxes'
SAME_FRAMES = 'sequence with the frames of another one'
BAD_NAME = 'sequence whose name is not UTF-8'
NO_FRAME = 'box in a frame that is missing'
BAD_FRAME = 'box in a frame that cannot be read'
TOO_SMALL = 'box lower than the least height'
OUTSIDE = 'box outside of its frame'


@dataclass
class Sequence:
    """Frames and boxes of one recording."""

    name: str
    folder: Path
    frames: dict[int, Path]  # image files by frame number, from 1
    boxes: Path
    fps: float | None = None  # None if seqinfo.ini does not state it


def read_motchallenge(
    root: str | Path,
    out: str | Path,
    *,
    boxes: str | Path | None = None,
    min_height: float = 0,
    min_visibility: float = 0,
    quality: int = 95,
    overwrite: bool = False,
) -> TrackletReading:
    """Crop all boxes of all sequences and save the reading.

    A sequence is a video. Crops are cut at the box, clipped to the frame.
    Where the boxes are ground truth, the true identity of a row is its
    tracklet, so a person in two sequences counts as two identities. What is
    there already is treated as ``ResultFolder`` says.

    Args:
        root: A sequence, or a folder of sequences.
        out: Folder to write: ``crops``, ``videos`` (a shard per finished
            sequence) and what ``TrackletReading.save`` writes.
        boxes: A tracker's output, ``<sequence>.txt`` in a folder or one
            file; without it the ground truth of the sequences is used.
        min_height: Least height of a box in pixels.
        min_visibility: Least visible fraction of ground truth, in [0, 1].
        quality: Quality of the JPEG files, 1..100.
        overwrite: Whether to replace tracklets that are there.

    Raises:
        FileNotFoundError: If a folder or file does not exist.
        UserError: If no box counts, or ``out`` holds other results.
    """
    check_interval('[1, 100]', quality=quality)
    report = SkipReport(root)
    box_path = None if boxes is None else Path(boxes)
    sequences = find_sequences(Path(root), box_path, report)
    settings = {
        'format': _FORMAT,
        'truth': boxes is None,
        'min_height': min_height,
        'min_visibility': min_visibility,
        'quality': quality,
    }
    inputs = {}
    for sequence in sequences:
        if overwrite:  # errors come before anything is removed
            read_mot(sequence.boxes)
        # size and time of a frame stand for its content
        stats = [(n, p.stat()) for n, p in sorted(sequence.frames.items())]
        inputs[sequence.name] = hash_value(
            [(n, stat.st_size, stat.st_mtime_ns) for n, stat in stats]
        )
        inputs[f'{sequence.name}: boxes'] = hash_file(sequence.boxes)[:16]
    kind = 'tracklets of MOTChallenge'
    with ResultFolder(
        out, kind, settings=settings, inputs=inputs, overwrite=overwrite
    ) as results:
        shards = []
        with progress_bar(sequences, desc='sequences', unit='seq') as bar:
            for sequence in bar:
                # a finished sequence is taken as it is
                shard = VideoShard.load(
                    results.path / SHARDS / sequence.name, [sequence.name]
                ) or _crop(sequence, results.path, settings)
                report.merge(shard.report['skipped'])
                shards.append(shard)
        table = join_shards(shards, results.path)
        if not len(table):
            lines = [f'no box of {root} counts', *report.lines()]
            raise UserError('\n  '.join(lines))
        truth = table.tracklet_index if boxes is None else None
        if not results.is_complete:
            TrackletReading(table, report, truth).save(results.path)
            results.finish()
    return TrackletReading(
        TrackletTable.load(Path(out) / 'table'), report, truth
    )


def _crop(
    sequence: Sequence, out: Path, settings: dict[str, float]
) -> VideoShard:
    """Write the crops and the shard of a sequence."""
    report = SkipReport(sequence.folder)
    rows = read_mot(
        sequence.boxes,
        report,
        tracked=True,
        min_visibility=settings['min_visibility'],
    )
    rows = rows[np.lexsort((rows[:, 1], rows[:, 0]))]  # by frame and id
    frame, track = rows[:, :2].astype(np.int64).T
    box = rows[:, 2:6]  # x, y, w, h
    names: dict[int, str] = {}  # file name of each row that is kept
    # rows are sorted by frame: those of a frame are start..stop
    frames, starts = np.unique(frame, return_index=True)
    stops = np.append(starts, len(rows))[1:]
    quality = int(settings['quality'])
    with CropFolders(out / CROPS, sequence.name, quality) as crops:
        for number, start, stop in zip(frames, starts, stops, strict=True):
            where = f'{sequence.name} frame {number}'
            path = sequence.frames.get(int(number))
            if path is None:
                report.skip(NO_FRAME, where, count=int(stop - start))
                continue
            try:
                image = decode_image(read_image_file(path), path)
            except UnreadableImageError:
                report.skip(BAD_FRAME, where, count=int(stop - start))
                continue
            height, width = image.shape[:2]
            for row in range(start, stop):
                x, y, w, h = box[row]
                corners = np.array([x, y, x + w, y + h])
                x1, y1, x2, y2 = crop_window(corners, width, height, 0)
                if h < settings['min_height']:
                    report.skip(TOO_SMALL, f'{where} id {track[row]}')
                elif x2 <= x1 or y2 <= y1:
                    report.skip(OUTSIDE, f'{where} id {track[row]}')
                else:
                    names[row] = f'{track[row]:06d}_{number - 1:07d}.jpg'
                    # crops are BGR, as the frames of videos
                    crop = image[y1:y2, x1:x2, ::-1]
                    crops.add(names[row], np.ascontiguousarray(crop))
        crops.finish(f'{sequence.name}/{name}' for name in names.values())
    if report.counts and not names:
        report.note(f'{sequence.name} has no image: all boxes are left out')
    # shards are sorted by tracklet, frames of MOTChallenge count from 1
    kept = np.array(list(names), np.int64)
    kept = kept[np.lexsort((frame[kept], track[kept]))]
    paths = [f'{sequence.name}/{names[row]}'.encode() for row in kept]
    columns = {
        'clip': np.zeros(len(kept), np.int64),
        'tracklet_id': track[kept],
        'frame': frame[kept] - 1,
        'path': np.array(paths, 'S'),
        'box': box[kept].astype(np.float32),
        'score': rows[kept, 6].astype(np.float32),
    }
    about = {
        'name': sequence.name,
        'clips': [sequence.name],
        'fps': sequence.fps,
    }
    shard = VideoShard(columns, {**about, 'skipped': report.to_dict()})
    shard.save(out / SHARDS / sequence.name)
    return shard


def find_sequences(
    root: Path, boxes: Path | None, report: SkipReport
) -> list[Sequence]:
    """Find sequences with frames and boxes by name; report the others."""
    check_folder(root, 'folder of sequences')
    one_file = boxes is not None and boxes.is_file()
    if boxes is not None and not one_file:
        check_folder(boxes, 'boxes:')
    folders = {
        path.parent
        for above in ('', '*/', '*/*/')  # MOT17, train, MOT17-02-DPM
        for name in ('seqinfo.ini', 'img1')
        for path in root.glob(above + name)
        if not any(p.startswith('.') for p in path.relative_to(root).parts)
    }
    if not folders:
        inside = join_names(sorted(os.listdir(root))) or 'nothing'
        raise UserError(
            f'{root} has no folder with img1/000001.jpg; it has {inside}.'
        )
    if one_file and len(folders) > 1:
        raise UserError(
            f'{boxes} is one file for {len(folders)} sequences; give a folder.'
        )
    found: dict[str, Sequence] = {}
    recordings: dict[str, str] = {}  # name of the sequence that is taken
    # a link to a sequence is named after what it leads to
    for folder in sorted(folders, key=lambda folder: folder.resolve().name):
        name = folder.resolve().name
        file = boxes or folder / _TRUTH
        if file.is_dir():
            file = file / f'{name}.txt'
        if not file.is_file():
            report.skip(NO_BOXES, f'{name} ({file})')
            continue
        if not is_utf8(name):
            report.skip(BAD_NAME, name)
            continue
        if name in found:
            raise UserError(f'two sequences of {root} are named {name}.')
        # of the copies of MOT17, the first one that has boxes is taken
        copy = _COPY.fullmatch(name)
        if recordings.setdefault(copy[1] if copy else name, name) != name:
            report.skip(SAME_FRAMES, name)
            continue
        frames, fps = _find_frames(folder, report)
        found[name] = Sequence(name, folder, frames, file, fps)
    if not found:
        lines = [f'no sequence of {root} has boxes', *report.lines()]
        raise UserError('\n  '.join(lines))
    return list(found.values())


def _find_frames(
    folder: Path, report: SkipReport
) -> tuple[dict[int, Path], float | None]:
    """Return image files by frame number, and frames per second if known."""
    parser = configparser.ConfigParser(interpolation=None, allow_no_value=True)
    parser.read_dict({'Sequence': {}})
    file = folder / 'seqinfo.ini'
    promised = fps = None
    try:
        if file.exists():
            with open_text(file) as stream:
                parser.read_file(stream)
        info = parser['Sequence']
        images = path_below(folder, info.get('imdir') or 'img1')
        if info.get('seqlength'):
            promised = int(info['seqlength'])
        if info.get('framerate'):
            fps = float(info['framerate'])
    except (configparser.Error, ValueError) as error:
        raise UserError(f'{file}: {error}') from error
    check_folder(images, f'frames of {folder.name}:')
    frames: dict[int, Path] = {}
    for match in map(_FRAME_NAME.fullmatch, sorted(os.listdir(images))):
        if match is None:
            continue
        path = images / match[0]
        first = frames.setdefault(int(match[1]), path)
        if first != path:
            raise UserError(f'{first} and {path.name} are the same frame.')
    if not frames:
        raise UserError(f'{images} has no frames like 000001.jpg.')
    # a difference is worth knowing, but boxes without frame are counted too
    if promised is not None and promised != len(frames):
        report.note(
            f'{folder.name} has {len(frames)} frames, seqinfo.ini says '
            f'{promised}'
        )
    return frames, fps
