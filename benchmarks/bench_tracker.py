"""Count identity switches of trackers with and without ReID.

Example::

    python benchmarks/bench_tracker.py --truth truth.csv \
        --persons persons.csv --weights imagenet.pth

Truth and persons are those of ``bench_tracklets.py``. A person who comes back
with another number is a switch if ``--persons`` is given. Without ``--video``
the sample video is used. The last line of output is JSON.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import supervision as sv
import trackers
from bench_tracklets import (
    Frame,
    tracking_metrics,
    true_frames,
    truth_parser,
)

THRESHOLDS = {
    'ByteTrackTracker': {
        'high_conf_det_threshold': 0.3,
        'minimum_iou_threshold': 0.1,
    },
    'BoTSORTTracker': {
        'high_conf_det_threshold': 0.3,
        'minimum_iou_threshold_first_assoc': 0.1,
        'enable_cmc': False,
    },
    'SORTTracker': {},
}


class RememberedFeatures:
    """Encoder that looks features up in those of all boxes of the frame."""

    features = np.empty((0, 1))

    def extract_features(
        self, detections: sv.Detections, frame: np.ndarray
    ) -> np.ndarray:
        """Return the rows of the boxes."""
        return self.features[detections.data['row']]


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = truth_parser(__doc__)
    parser.add_argument(
        '--model', default='configs/eval/zero-shot_mobilenet-v2_128x64.py'
    )
    parser.add_argument('--weights', help='of a name or a config')
    parser.add_argument('--tiles', type=int, nargs=2, default=(1, 1))
    return parser.parse_args()


def run_video(
    video: Path, model: str, weights: str | None, tiles: tuple[int, int]
) -> dict[str, list[Frame]]:
    """Run all trackers over a video, without and with ReID."""
    import mmcion
    from mmcion.adapters import ReIDTracker, extract_embeddings
    from mmcion.registry import DETECTORS
    from mmcion.utils.progress import progress_bar
    from mmcion.video import VideoReader

    detector = DETECTORS.build(
        {
            'type': 'EfficientDetLiteDetector',
            'model': 'efficientdet_lite2.tflite',
            'score_thr': 0.3,
            'tiles': tuple(tiles),
        }
    )
    detector.load()
    extractor = mmcion.FeatureExtractor(model, pretrained=weights or True)
    encoder = RememberedFeatures()
    with VideoReader(video) as reader:
        runs = {}
        for name, options in THRESHOLDS.items():
            make = getattr(trackers, name)
            options = {
                'frame_rate': reader.fps,
                'track_activation_threshold': 0.4,
                **options,
            }
            runs[name] = make(**options)
            runs[f'{name} + ReID'] = ReIDTracker(make(**options), encoder)
        results = {name: [] for name in runs}
        for index, image in progress_bar(reader, unit='frame'):
            found = detector.detect(image, index)
            boxes = sv.Detections(
                found.boxes,
                confidence=found.scores,
                data={'row': np.arange(len(found))},
            )
            encoder.features = extract_embeddings(image, boxes, extractor)
            for name, tracker in runs.items():
                # no frame: camera motion is not estimated
                tracked = tracker.update(
                    boxes, *([image] if 'ReID' in name else [])
                )
                results[name].append(
                    (tracked.xyxy, tracked.confidence, tracked.tracker_id)
                )
    return results


def main() -> None:
    """Measure and print."""
    args = parse_args()
    from mmcion.utils.downloads import fetch_file

    video = Path(args.video) if args.video else fetch_file('vtest.avi')
    results = run_video(video, args.model, args.weights, args.tiles)
    num_frames = len(next(iter(results.values())))
    truth = true_frames(args.truth, num_frames, args.persons)
    report = {
        name: tracking_metrics(truth, frames)
        for name, frames in results.items()
    }
    for name, scores in report.items():
        print(f'{name:24}', {k: round(v, 3) for k, v in scores.items()})
    print(json.dumps(report))


if __name__ == '__main__':
    main()
