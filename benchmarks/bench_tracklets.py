"""Measure accuracy and speed of detector and tracker on an annotated video.

The speed is that of the threads of ``detect_frames`` against one frame after
the other, with the costs of each step.

Example::

    python benchmarks/bench_tracklets.py --truth truth.csv \
        --persons persons.csv --video video.avi

``truth.csv`` has the columns ``frame,id,x,y,w,h`` with frames from 1, and
``persons.csv`` the columns ``id,person``: a person who left and came back has
several ids. Without ``--video`` the sample video is used. The last line of
output is JSON.
"""

import argparse
import json
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

IOU = 0.5
LOW_SCORE = 0.02  # average precision needs boxes of low confidence too
Frame = tuple[np.ndarray, np.ndarray, np.ndarray]  # boxes, scores, ids


def truth_parser(description: str | None) -> argparse.ArgumentParser:
    """Return a parser with the options of an annotated video."""
    parser = argparse.ArgumentParser(
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('--truth', required=True, help='annotated boxes')
    parser.add_argument('--persons', help='which ids are one person')
    parser.add_argument('--video', help='default: the sample video')
    return parser


def run_video(
    video: Path, config: str
) -> tuple[list[Frame], float, dict[str, float]]:
    """Detect and track, frame by frame and then in threads.

    Returns:
        The boxes of every frame, those of low confidence too; the score
        from which on they were tracked; milliseconds per frame and frames
        per second.
    """
    from mmengine.config import Config

    from mmcion.registry import DETECTORS, TRACKERS
    from mmcion.utils.progress import progress_bar
    from mmcion.video import VideoReader
    from mmcion.video.detection_threads import detect_frames

    cfg = Config.fromfile(config)
    threshold = cfg.detector.get('score_thr', 0)
    detector = DETECTORS.build({**cfg.detector, 'score_thr': LOW_SCORE})
    detector.load()
    tracker = TRACKERS.build(cfg.tracker)
    seconds = {'detect': 0.0, 'track': 0.0}

    def detect_in_turn(reader: VideoReader) -> Iterator[tuple]:
        for index, image in reader:
            start = time.perf_counter()
            found = detector.detect(image, index)
            seconds['detect'] += time.perf_counter() - start
            yield index, image, found

    def track(
        detect: Callable[[VideoReader], Iterable[tuple]],
    ) -> tuple[list[Frame], float]:
        """Return the boxes of all frames, and frames per second."""
        frames = []
        seconds['track'] = 0
        with VideoReader(video) as reader:
            detector.open_video(video)
            tracker.reset(reader.fps)
            start = time.perf_counter()
            for _, _, found in progress_bar(detect(reader), unit='frame'):
                middle = time.perf_counter()
                ids = np.full(len(found), -1)
                sure = found.scores >= threshold
                ids[sure] = tracker.update(found[sure])
                seconds['track'] += time.perf_counter() - middle
                frames.append((found.boxes, found.scores, ids))
        return frames, len(frames) / (time.perf_counter() - start)

    frames, fps_in_turn = track(detect_in_turn)
    costs = {
        f'{name}_ms': 1000 * value / len(frames)
        for name, value in seconds.items()
    }
    costs['other_ms'] = 1000 / fps_in_turn - sum(costs.values())  # decoding
    in_threads, fps = track(lambda reader: detect_frames(reader, detector))
    for one, other in zip(frames, in_threads, strict=True):
        assert all(map(np.array_equal, one, other)), 'threads change boxes'
    costs |= {'fps_in_turn': fps_in_turn, 'fps': fps}
    return frames, threshold, {**costs, 'times_faster': fps / fps_in_turn}


def true_frames(
    path: str, num_frames: int, persons: str | None = None
) -> list[Frame]:
    """Read annotated boxes, one item per frame of the video.

    Ids are those of visits; those of persons if their file is given.
    """
    from supervision import xywh_to_xyxy

    from mmcion.evaluation import read_truth

    truth = read_truth(path, persons)
    corners = xywh_to_xyxy(truth.box)
    frames = []
    for index in range(num_frames):
        rows = truth.frame == index
        boxes, ids = corners[rows], truth.pid[rows]
        frames.append((boxes, np.ones(len(ids)), ids))
    return frames


def detection_metrics(
    truth: list[Frame], found: list[Frame]
) -> dict[str, float]:
    """Return precision, recall, F1 and AP, matching by falling score."""
    from supervision import box_iou_batch

    hits, scores = [], []
    for (true_boxes, _, _), (boxes, score, _) in zip(
        truth, found, strict=True
    ):
        order = np.argsort(-score, kind='stable')
        hits.append(_greedy_hits(box_iou_batch(boxes[order], true_boxes)))
        scores.append(score[order])
    hit = np.concatenate(hits)[np.argsort(-np.concatenate(scores))]
    true_positives = np.cumsum(hit)
    precision = true_positives / np.arange(1, len(hit) + 1)
    recall = true_positives / sum(len(boxes) for boxes, _, _ in truth)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    p, r = float(precision[-1]), float(recall[-1])
    return {
        'precision': p,
        'recall': r,
        'f1': 2 * p * r / max(p + r, 1e-9),
        'ap50': float(np.sum(np.diff(recall, prepend=0) * envelope)),
    }


def _greedy_hits(iou: np.ndarray) -> np.ndarray:
    """Return which boxes match a true box that is free, ``(n, m) -> (n,)``."""
    free = np.ones(iou.shape[1], bool)
    hits = np.zeros(len(iou), bool)
    for row in range(len(iou)):
        candidates = np.where(free, iou[row], 0)
        if len(candidates) and candidates.max() >= IOU:
            free[candidates.argmax()] = False
            hits[row] = True
    return hits


def tracking_metrics(
    truth: list[Frame], found: list[Frame]
) -> dict[str, float]:
    """Return HOTA, IDF1, MOTA and identity switches of TrackEval."""
    from supervision import box_iou_batch
    from trackeval.metrics import CLEAR, HOTA, Identity

    tracked = [(b[i >= 0], s[i >= 0], i[i >= 0]) for b, s, i in found]
    true_ids, num_true = _renumber([ids for _, _, ids in truth])
    track_ids, num_tracks = _renumber([ids for _, _, ids in tracked])
    data = {
        'num_timesteps': len(truth),
        'num_gt_ids': num_true,
        'num_tracker_ids': num_tracks,
        'num_gt_dets': sum(map(len, true_ids)),
        'num_tracker_dets': sum(map(len, track_ids)),
        'gt_ids': true_ids,
        'tracker_ids': track_ids,
        'similarity_scores': [
            box_iou_batch(t[0], f[0])
            for t, f in zip(truth, tracked, strict=True)
        ],
    }
    quiet = {'PRINT_CONFIG': False}
    clear = CLEAR(quiet).eval_sequence(data)
    return {
        'hota': float(np.mean(HOTA().eval_sequence(data)['HOTA'])),
        'idf1': float(Identity(quiet).eval_sequence(data)['IDF1']),
        'mota': float(clear['MOTA']),
        'id_switches': int(clear['IDSW']),
        'tracks': num_tracks,
    }


def _renumber(ids: list[np.ndarray]) -> tuple[list[np.ndarray], int]:
    """Replace ids by 0, 1, 2, ...; return them and their number."""
    known, inverse = np.unique(np.concatenate(ids), return_inverse=True)
    ends = np.cumsum([len(i) for i in ids])[:-1]
    return np.split(inverse, ends), len(known)


def person_metrics(truth: list[Frame], found: list[Frame]) -> dict[str, float]:
    """Return the purity of tracks, by person and not by visit.

    ``box_purity`` is the fraction of matched boxes that show the person whom
    their track shows most often. The ids of ``truth`` are those of persons.
    """
    from supervision import box_iou_batch

    tracks: dict[int, Counter[int]] = defaultdict(Counter)
    for (true_boxes, _, persons), (boxes, _, ids) in zip(
        truth, found, strict=True
    ):
        iou = box_iou_batch(boxes, true_boxes)
        for row in np.flatnonzero(ids >= 0):
            if iou.shape[1] and iou[row].max() >= IOU:
                person = int(persons[iou[row].argmax()])
                tracks[int(ids[row])][person] += 1
    matched = sum(track.total() for track in tracks.values())
    main = sum(max(track.values()) for track in tracks.values())
    _, num_persons = _renumber([persons for _, _, persons in truth])
    return {'persons': num_persons, 'box_purity': main / max(matched, 1)}


def main() -> None:
    """Measure, print a table and a line of JSON."""
    parser = truth_parser(__doc__)
    parser.add_argument(
        '--config', default='configs/tracklets/efficientdet-lite2_bytetrack.py'
    )
    args = parser.parse_args()
    from mmcion.utils.downloads import fetch_file

    video = Path(args.video) if args.video else fetch_file('vtest.avi')
    every, threshold, costs = run_video(video, args.config)
    truth = true_frames(args.truth, len(every))
    found = [
        tuple(part[s >= threshold] for part in (b, s, i)) for b, s, i in every
    ]
    metrics: dict[str, Any] = {'frames': len(every), **costs}
    metrics |= detection_metrics(truth, found)
    metrics['ap50'] = detection_metrics(truth, every)['ap50']
    metrics['score_thr'] = threshold
    metrics |= tracking_metrics(truth, found)
    if args.persons:
        persons = true_frames(args.truth, len(every), args.persons)
        metrics |= person_metrics(persons, found)
    for name, value in metrics.items():
        text = f'{value:.3f}' if isinstance(value, float) else str(value)
        print(f'{name:<12} {text:>9}')
    print(json.dumps({'config': args.config, **metrics}))


if __name__ == '__main__':
    main()
