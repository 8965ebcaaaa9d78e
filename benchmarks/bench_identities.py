"""Evaluate the identities of every denoising level on an annotated video.

Example::

    python benchmarks/bench_identities.py --truth truth.csv \
        --persons persons.csv --video video.avi

``truth.csv`` has the columns ``frame,id,x,y,w,h`` with frames from 1, and
``persons.csv`` the columns ``id,person``, where a person may have several ids
because it left and came back. Without ``--video`` the sample video is fetched.
Three kinds of features are evaluated: the weight-free colour descriptor,
MobileNetV2 with ImageNet weights, and both joined. The last line of output is
JSON.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from bench_tracklets import truth_parser

ROOT = Path(__file__).resolve().parents[1]

SCORES = (
    *('pairwise_precision', 'pairwise_recall', 'pairwise_f1', 'ari'),
    *('IDF1', 'HOTA'),
)


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = truth_parser(__doc__)
    parser.add_argument('--clips', type=int, default=4)
    parser.add_argument('--stride', type=int, default=1)
    parser.add_argument(
        '--denoise', default=str(ROOT / 'configs/denoise/three-levels_auto.py')
    )
    return parser.parse_args()


def extract_tracklets(args: argparse.Namespace, out: Path) -> Any:
    """Return the table of the video, cut into clips."""
    from mmengine.config import Config

    from mmcion.utils.downloads import fetch_file
    from mmcion.video import TrackletExtractor

    cfg = Config.fromfile(
        ROOT / 'configs/tracklets/efficientdet-lite2_bytetrack.py'
    )
    settings = {**cfg.extractor, 'clips': args.clips, 'stride': args.stride}
    extractor = TrackletExtractor(
        cfg.detector.to_dict(), cfg.tracker.to_dict(), **settings
    )
    return extractor.run([args.video or fetch_file('vtest.avi')], out)


def extract_features(
    table: Any, config: str, checkpoint: Path | None, out: Path
) -> np.ndarray:
    """Return unit features ``(N, D)`` of a backbone at 256 x 128."""
    from mmengine.config import Config

    from mmcion.apis.extract import extract_features
    from mmcion.registry import MODELS

    cfg = Config.fromfile(ROOT / 'configs/eval' / config)
    if checkpoint is not None:
        cfg.model.backbone_checkpoint = str(checkpoint)
        cfg.test_dataloader.dataset.pipeline[1].size = (256, 128)
    pipeline = cfg.test_dataloader.dataset.pipeline
    model = MODELS.build(cfg.model)
    return extract_features(model, table, pipeline, out, meta={})[:]


def all_features(table: Any, out: Path) -> dict[str, np.ndarray]:
    """Return features of colours, of ImageNet weights, and both joined."""
    weights = out / 'mobilenetv2.pth'
    converter = ROOT / 'tools/model_converters/deepsort_to_mmcion.py'
    subprocess.run([sys.executable, str(converter), str(weights)], check=True)
    colour = extract_features(
        table, 'zero-shot_color-stripes_128x64.py', None, out / 'colour'
    )
    imagenet = extract_features(
        table, 'zero-shot_mobilenet-v2_128x64.py', weights, out / 'imagenet'
    )
    both = np.concatenate((imagenet, colour), axis=1)
    return {'both': both, 'imagenet': imagenet, 'colour': colour}


def evaluate(
    table: Any, features: np.ndarray, truth: Any, cfg: Any
) -> dict[str, dict[str, float]]:
    """Return the scores of the tracklets and after every level.

    IDF1 and HOTA are those of all clips with global ids, where images without
    an identity are missed detections.
    """
    from mmcion.apis.denoise import denoise
    from mmcion.evaluation import (
        identity_metrics,
        match_truth,
        track_metrics,
    )
    from mmcion.structures import IdentityLabels

    true = match_truth(table, truth)
    labels = {'Tracklets': IdentityLabels.from_tracklets(table)}
    for last in range(1, len(cfg.pipeline) + 1):
        config = {**cfg, 'pipeline': cfg.pipeline[:last]}
        name = cfg.pipeline[last - 1].type
        labels[name] = denoise(table, features, config)
    return {
        name: {
            **identity_metrics(true, found.identity),
            **track_metrics(table, found.identity, truth)['all videos'],
        }
        for name, found in labels.items()
    }


def main() -> None:
    """Measure and print."""
    args = parse_args()
    from mmengine.config import Config
    from mmengine.registry import init_default_scope

    from mmcion.evaluation import match_truth, read_truth

    init_default_scope('mmcion')
    cfg = Config.fromfile(args.denoise)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        table = extract_tracklets(args, out / 'tracklets')
        truth = read_truth(args.truth, args.persons)
        unmatched = int((match_truth(table, truth) < 0).sum())
        evaluated = {
            name: evaluate(table, feats, truth, cfg)
            for name, feats in all_features(table, out).items()
        }
    result: dict[str, Any] = {
        'images': len(table),
        'tracklets': table.num_tracklets,
        'unmatched_images': unmatched,
    }
    for features, levels in evaluated.items():
        print(f'{features:24}{"  ".join(SCORES)}  kept  identities')
        for name, scores in levels.items():
            line = '  '.join(f'{scores[s]:>{len(s)}.3f}' for s in SCORES)
            kept, found = scores['kept'], scores['num_found']
            print(f'{name:24}{line}  {kept:.2f}  {found}')
        result[features] = {
            name: {s: round(float(scores[s]), 4) for s in SCORES}
            for name, scores in levels.items()
        }
    print(json.dumps(result))


if __name__ == '__main__':
    main()
