"""Tracklets of MOTChallenge sequences: boxes and frames become crops."""

from __future__ import annotations

import configparser
import os
import re
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from mmcion.structures import TrackletTable
from mmcion.structures.tracklet_builder import TrackletReading
from mmcion.utils.checks import (
    UserError,
    check_folder,
    check_interval,
    join_names,
)
from mmcion.utils.io import hash_file, hash_value
from mmcion.utils.progress import progress_bar
from mmcion.utils.result_folder import ResultFolder
from mmcion.utils.skip_report import SkipReport

from .box_files import read_mot
from .crops import CropFolders, crop_window
from .video_shard import CROPS, SHARDS, VideoShard, join_shards

_FORMAT = 1  # raise it when results of older code must not be resumed
_TRUTH = Path('gt', 'gt.txt')
_MAX_DEPTH = 3  # levels of folders: MOT17, train and MOT17-02-DPM
# MOT17 has every sequence three times, with the boxes of three detectors.
_COPY = re.compile(r'(.+)-(DPM|FRCNN|SDP)')
_FRAME_NAME = re.compile(r'(\d+)\.(jpg|jpeg|png)', re.ASCII | re.IGNORECASE)

NO_BOXES = 'sequence without a file of boxes'
SAME_FRAMES = 'sequence with the frames of another one'
NO_FRAME = 'box in a frame that is missing'
BAD_FRAME = 'box in a frame that cannot be read'
TOO_SMALL = 'box lower than the least height'
OUTSIDE = 'box outside of its frame'


@dataclass
class Sequence:
    """Frames and boxes of one recording.

    Attributes:
        name: Name of its folder.
        folder: Path of its folder.
        frames: Image files by frame number, from 1.
        boxes: File of boxes.
    """

    name: str
    folder: Path
    frames: dict[int, Path]
    boxes: Path


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
        FileNotFoundError: if a folder or file does not exist.
        UserError: If there is no sequence or no box that counts, or ``out``
            holds other results.
    """
    check_interval('[1, 100]', quality=quality)
    report = SkipReport(root)
    box_path = None if boxes is None else Path(boxes)
    sequences = find_sequences(Path(root), box_path, report)
    settings = {
        'min_height': min_height,
        'min_visibility': min_visibility,
        'quality': quality,
    }
    inputs = {}
    for sequence in sequences:
        # sizes and times stand for the content of the frames
        stats = [(n, p.stat()) for n, p in sorted(sequence.frames.items())]
        inputs[sequence.name] = hash_value(
            [(n, stat.st_size, stat.st_mtime_ns) for n, stat in stats]
        )
        boxes_name = f'{sequence.name}: {sequence.boxes.name}'
        inputs[boxes_name] = hash_file(sequence.boxes)[:16]
    with ResultFolder(
        out,
        'MOTChallenge tracklets',
        settings={'format': _FORMAT, 'truth': boxes is None, **settings},
        inputs=inputs,
        overwrite=overwrite,
    ) as results:
        shards = []
        with progress_bar(sequences, desc='sequences', unit='seq') as bar:
            for sequence in bar:
                # a finished sequence is taken as it is
                folder = results.path / SHARDS / sequence.name
                shard = VideoShard.load(folder)
                if shard is None:
                    crops = results.path / CROPS
                    skipped = SkipReport(sequence.folder)
                    columns = _crop(sequence, crops, settings, skipped)
                    about = {
                        'name': sequence.name,
                        'skipped': skipped.to_dict(),
                    }
                    shard = VideoShard(columns, [sequence.name], about)
                    shard.save(folder)
                report.merge(shard.report['skipped'])
                shards.append(shard)
        if not any(len(shard.columns['path']) for shard in shards):
            raise UserError(
                '\n  '.join([f'no box of {root} counts', *report.lines()])
            )
        table = join_shards(shards, results.path)
        truth = table.tracklet_index if boxes is None else None
        if not results.is_complete:
            TrackletReading(table, report, truth).save(results.path)
            results.finish()
    return TrackletReading(
        TrackletTable.load(Path(out) / 'table'), report, truth
    )


def _crop(
    sequence: Sequence,
    root: Path,
    settings: dict[str, float],
    report: SkipReport,
) -> dict[str, np.ndarray]:
    """Write the crops of a sequence and return the columns of its shard."""
    rows = _read_boxes(sequence.boxes, settings['min_visibility'], report)
    frame, track = rows[:, :2].astype(np.int64).T
    box = rows[:, 2:6]  # x, y, w, h
    names: dict[int, str] = {}  # file name of each row that is kept
    # rows are sorted by frame: those of a frame are start..stop
    frames, starts = np.unique(frame, return_index=True)
    stops = np.append(starts, len(rows))[1:]
    quality = int(settings['quality'])
    with CropFolders(root, sequence.name, quality) as crops:
        for number, start, stop in zip(frames, starts, stops, strict=True):
            where = f'{sequence.name} frame {number}'
            path = sequence.frames.get(int(number))
            image = None if path is None else cv2.imread(str(path))
            if image is None:
                reason = NO_FRAME if path is None else BAD_FRAME
                report.skip(reason, where, count=int(stop - start))
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
                    crops.add(names[row], image[y1:y2, x1:x2])
        crops.finish(f'{sequence.name}/{name}' for name in names.values())
    # shards are sorted by tracklet, frames of MOTChallenge count from 1
    kept = np.array(list(names), np.int64)
    kept = kept[np.lexsort((frame[kept], track[kept]))]
    paths = [f'{sequence.name}/{names[row]}'.encode() for row in kept]
    return {
        'clip': np.zeros(len(kept), np.int64),
        'tracklet_id': track[kept],
        'frame': frame[kept] - 1,
        'path': np.array(paths, 'S'),
        'box': box[kept].astype(np.float32),
        'score': rows[kept, 6].astype(np.float32),
    }


def _read_boxes(
    path: Path, min_visibility: float, report: SkipReport
) -> np.ndarray:
    """Read the tracked boxes of ``read_mot``, sorted by frame and id."""
    rows = read_mot(path, report, tracked=True, min_visibility=min_visibility)
    if len(rows) and rows[:, 0].min() < 1:
        raise UserError(
            f'{path} has frame {rows[:, 0].min():g}; MOTChallenge counts '
            f'frames from 1. If this file counts from 0, add 1, or all boxes '
            f'are cut from the frame before.'
        )
    return rows[np.lexsort((rows[:, 1], rows[:, 0]))]


def find_sequences(
    root: Path, boxes: Path | None, report: SkipReport
) -> list[Sequence]:
    """Find sequences that have frames and boxes, sorted by name.

    Args:
        root: A sequence, or a folder of sequences, or of folders of them.
        boxes: Folder with ``<sequence>.txt``, or the file of the only
            sequence; without it ``gt/gt.txt`` of each.
        report: Counts the sequences that are left out.

    Raises:
        FileNotFoundError: if there is no such folder or file.
        UserError: if there is no sequence, or two have one name.
    """
    check_folder(root, 'folder of sequences')
    if boxes is not None and not boxes.exists():
        raise FileNotFoundError(f'boxes: {boxes} does not exist.')
    folders = _sequence_folders(root)
    if not folders:
        raise UserError(
            f'no sequence was found in {root}\n  expected: SEQUENCE/img1/'
            f'000001.jpg and SEQUENCE/{_TRUTH}\n  found: '
            f'{join_names(sorted(os.listdir(root))) or "nothing"}'
        )
    one_file = boxes is not None and boxes.is_file()
    if one_file and len(folders) > 1:
        raise UserError(
            f'{boxes} is one file of boxes for {len(folders)} sequences; '
            f'give a folder of files SEQUENCE.txt.'
        )
    found: dict[str, Sequence] = {}
    recordings: dict[str, str] = {}  # name of the sequence that is taken
    for folder in folders:
        name = folder.resolve().name
        if boxes is None:
            file = folder / _TRUTH
        else:
            file = boxes if one_file else boxes / f'{name}.txt'
        if not file.is_file():
            report.skip(NO_BOXES, f'{name} ({file})')
            continue
        if name in found:
            raise UserError(f'two sequences of {root} are named {name}.')
        # of the copies of MOT17, the first one that has boxes is taken
        copy = _COPY.fullmatch(name)
        if recordings.setdefault(copy[1] if copy else name, name) != name:
            report.skip(SAME_FRAMES, name)
            continue
        frames = _find_frames(folder, report)
        found[name] = Sequence(name, folder, frames, file)
    if not found:
        raise UserError(
            '\n  '.join([f'no sequence of {root} has boxes', *report.lines()])
        )
    return [found[name] for name in sorted(found)]


def _sequence_folders(root: Path) -> list[Path]:
    # level by level; a sequence holds no further sequences
    level, found = [root], []
    for _ in range(_MAX_DEPTH):
        deeper: list[Path] = []
        for folder in level:
            known = (folder / 'seqinfo.ini').is_file()
            if known or (folder / 'img1').is_dir():
                found.append(folder)
            else:
                deeper += [path for path in folder.iterdir() if path.is_dir()]
        level = deeper
    return sorted(found, key=lambda folder: folder.resolve().name)


def _find_frames(folder: Path, report: SkipReport) -> dict[int, Path]:
    """Return the image files of a sequence by frame number."""
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read(folder / 'seqinfo.ini', encoding='utf-8')
    except (configparser.Error, UnicodeDecodeError) as error:
        raise UserError(f'{folder / "seqinfo.ini"}: {error}') from error
    found = parser.has_section('Sequence')
    info = dict(parser['Sequence']) if found else {}
    images = folder / info.get('imdir', 'img1')
    check_folder(images, f'folder of frames of {folder.name},')
    frames = {}
    for name in os.listdir(images):
        match = _FRAME_NAME.fullmatch(name)
        if match is not None:
            frames[int(match[1])] = images / name
    if not frames:
        raise UserError(f'{images} has no frames like 000001.jpg.')
    # a difference is worth knowing, but boxes without frame are counted too
    promised = int(info.get('seqlength', len(frames)))
    if promised != len(frames):
        report.note(
            f'{folder.name} has {len(frames)} frames, seqinfo.ini says '
            f'{promised}'
        )
    return frames
