"""Sequences of MOTChallenge: tracked boxes and frames become crops."""

from __future__ import annotations

import configparser
import os
import re
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmcion.utils.skip_report import SkipReport

_BOXES = Path('gt', 'gt.txt')
_PEDESTRIAN = 1
_TRUTH_COLUMNS = 9
_MAX_DEPTH = 3
# MOT17 has every sequence three times, with the boxes of three detectors.
_COPY = re.compile(r'(.+)-(DPM|FRCNN|SDP)')
_FRAME_NAME = re.compile(r'(\d+)\.(jpg|jpeg|png)', re.ASCII | re.IGNORECASE)

NO_BOXES = 'sequence without a file of boxes'
SAME_FRAMES = 'sequence with the frames of another one'
NOT_COUNTED = 'box that does not count (its flag is 0)'
NO_PERSON = 'box of another class than pedestrian'
HIDDEN = 'box whose visible share is too small'
NO_ID = 'box without an id'
TWICE = 'the same id in the same frame again'


@dataclass
class Sequence:
    """Frames and boxes of one recording.

    Attributes:
        name: of its folder.
        folder: where it is.
        frames: picture files by frame number, from 1.
        boxes: file of boxes.
    """

    name: str
    folder: Path
    frames: dict[int, Path]
    boxes: Path


@dataclass
class SequenceBoxes:
    """Boxes that count, sorted by frame and id.

    Attributes:
        frame: ``(n,)`` int64, from 1.
        track: ``(n,)`` int64.
        box: ``(n, 4)`` float64 ``x, y, w, h``.
        score: ``(n,)`` float64.
    """

    frame: np.ndarray
    track: np.ndarray
    box: np.ndarray
    score: np.ndarray


def find_sequences(
    root: Path, boxes: Path | None, report: SkipReport
) -> list[Sequence]:
    """Find sequences that have frames and boxes, sorted by name.

    Args:
        root: a sequence, or a folder of sequences, or of folders of them.
        boxes: folder with ``<sequence>.txt``, or the file of the only
            sequence; without it ``gt/gt.txt`` of each.
        report: sequences that are left out are counted there.

    Raises:
        FileNotFoundError: if there is no such folder or file.
        ValueError: if there is no sequence, or two have one name.
    """
    for path in (root, boxes or root):
        if not path.exists():
            raise FileNotFoundError(f'there is no {path}')
    folders = _sequence_folders(root)
    if not folders:
        raise ValueError(
            f'no sequence was found in {root}\n  expected: SEQUENCE/img1/'
            f'000001.jpg and SEQUENCE/{_BOXES}\n  found: '
            f'{", ".join(sorted(os.listdir(root))[:5]) or "nothing"}'
        )
    if boxes is not None and boxes.is_file() and len(folders) > 1:
        raise ValueError(
            f'{boxes} is one file of boxes for {len(folders)} sequences; '
            f'give a folder of files SEQUENCE.txt.'
        )
    found: dict[str, Sequence] = {}
    recordings: dict[str, str] = {}
    for folder in folders:
        name = folder.resolve().name
        file = _box_file(folder, boxes)
        if not file.is_file():
            report.skip(NO_BOXES, f'{name} ({file})')
            continue
        if name in found:
            raise ValueError(f'two sequences of {root} are named {name}.')
        copy = _COPY.fullmatch(name)
        recording = copy[1] if copy else name
        if recordings.setdefault(recording, name) != name:
            report.skip(SAME_FRAMES, name)
            continue
        frames = _frames(folder, report)
        found[name] = Sequence(name, folder, frames, file)
    if not found:
        raise ValueError(
            '\n  '.join([f'no sequence of {root} has boxes', *report.lines()])
        )
    return [found[name] for name in sorted(found)]


def read_boxes(
    file: Path, report: SkipReport, *, min_visibility: float = 0
) -> SequenceBoxes:
    """Read the boxes of people that count.

    - Nine columns are ground truth of MOT16 or later: ``frame, id, x, y, w,
      h, flag, class, visibility``.
    - In ``gt.txt`` of other widths the seventh is the flag too.
    - Otherwise it is a tracker's output, and the seventh is its score.

    Args:
        file: comma-separated numbers.
        report: what is left out is counted there.
        min_visibility: least visible share of ground truth, in [0, 1].

    Raises:
        ValueError: if a line is of another form, or a frame is below 1.
    """
    rows = _numbers(file)
    name = file.parent.parent.name if file.name == _BOXES.name else file.stem
    kept = np.ones(len(rows), bool)

    def drop(reason: str, wrong: np.ndarray) -> None:
        gone = np.flatnonzero(kept & wrong)
        if len(gone):
            some = [
                f'{name} frame {frame:g} id {track:g}'
                for frame, track in rows[gone[:5], :2]
            ]
            report.skip(reason, *some, count=len(gone))
        kept[gone] = False

    modern = rows.shape[1] == _TRUTH_COLUMNS
    is_truth = modern or file.name == _BOXES.name
    if is_truth and rows.shape[1] > 6:
        drop(NOT_COUNTED, rows[:, 6] == 0)
    if modern:
        drop(NO_PERSON, rows[:, 7] != _PEDESTRIAN)
        drop(HIDDEN, rows[:, 8] < min_visibility)
    drop(NO_ID, rows[:, 1] < 0)
    order = np.lexsort((rows[:, 1], rows[:, 0]))
    keys = rows[order, :2]
    again = np.zeros(len(rows), bool)
    again[order[1:]] = (np.diff(keys, axis=0) == 0).all(axis=1)
    drop(TWICE, again)
    rows = rows[order[kept[order]]]
    has_score = not is_truth and rows.shape[1] > 6
    return SequenceBoxes(
        frame=rows[:, 0].astype(np.int64),
        track=rows[:, 1].astype(np.int64),
        box=rows[:, 2:6],
        score=rows[:, 6] if has_score else np.ones(len(rows)),
    )


def _numbers(file: Path) -> np.ndarray:
    try:
        with warnings.catch_warnings():
            # an empty file is a tracker that saw nobody
            warnings.simplefilter('ignore', UserWarning)
            rows = np.loadtxt(file, delimiter=',', ndmin=2)
    except ValueError as error:
        raise ValueError(f'{file}: {error}') from error
    if not rows.size:
        return np.empty((0, 7))
    if rows.shape[1] < 6 or not np.isfinite(rows).all():
        raise ValueError(
            f'{file} must have at least 6 finite numbers in every line, '
            f'frame,id,x,y,w,h; it has {rows.shape[1]}.'
        )
    if rows[:, 0].min() < 1:
        raise ValueError(
            f'{file} has frame {rows[:, 0].min():g}; MOTChallenge counts '
            f'frames from 1. If this file counts from 0, add 1, or all boxes '
            f'are cut from the frame before.'
        )
    return rows


def _sequence_folders(root: Path) -> list[Path]:
    level, found = [root], []
    for _ in range(_MAX_DEPTH):
        deeper = []
        for folder in level:
            if (folder / 'seqinfo.ini').is_file() or _picture_folder(folder):
                found.append(folder)
            else:
                deeper += [path for path in folder.iterdir() if path.is_dir()]
        level = deeper
    return sorted(found, key=lambda folder: folder.resolve().name)


def _picture_folder(folder: Path) -> Path | None:
    """Return ``img1``, or what ``seqinfo.ini`` says instead."""
    name = _info(folder).get('imdir', 'img1')
    return folder / name if (folder / name).is_dir() else None


def _info(folder: Path) -> dict[str, str]:
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read(folder / 'seqinfo.ini', encoding='utf-8')
    except (configparser.Error, UnicodeDecodeError) as error:
        raise ValueError(f'{folder / "seqinfo.ini"}: {error}') from error
    return dict(parser['Sequence']) if 'Sequence' in parser else {}


def _box_file(folder: Path, boxes: Path | None) -> Path:
    if boxes is None:
        return folder / _BOXES
    if boxes.is_file():
        return boxes
    return boxes / f'{folder.resolve().name}.txt'


def _frames(folder: Path, report: SkipReport) -> dict[int, Path]:
    pictures = _picture_folder(folder)
    if pictures is None:
        raise ValueError(
            f'{folder} has a seqinfo.ini and no folder of frames '
            f'({_info(folder).get("imdir", "img1")}).'
        )
    frames = {}
    for name in os.listdir(pictures):
        found = _FRAME_NAME.fullmatch(name)
        if found is not None:
            frames[int(found[1])] = pictures / name
    if not frames:
        raise ValueError(f'{pictures} has no frames like 000001.jpg.')
    promised = int(_info(folder).get('seqlength', len(frames)))
    if promised != len(frames):
        report.note(
            f'{folder.name} has {len(frames)} frames, seqinfo.ini says '
            f'{promised}'
        )
    return frames
