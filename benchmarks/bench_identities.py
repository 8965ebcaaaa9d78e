"""Judge the identities of every denoising level on an annotated video.

Example::

    python benchmarks/bench_identities.py --truth truth.csv \
        --persons persons.csv --video video.avi

``truth.csv`` has the columns ``frame,id,x,y,w,h`` with frames from 1, and
``persons.csv`` the columns ``id,person``, where one person may have several
ids because it left and came back. Without ``--video`` the sample video is
fetched. The last line of output is JSON.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

SCORES = ('pairwise_precision', 'pairwise_recall', 'pairwise_f1', 'ari')


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('--truth', required=True, help='annotated boxes')
    parser.add_argument('--persons', help='which ids are one person')
    parser.add_argument('--video', help='default: the sample video')
    parser.add_argument('--clips', type=int, default=4)
    parser.add_argument('--stride', type=int, default=1)
    parser.add_argument(
        '--denoise', default=str(ROOT / 'configs/denoise/three-levels_auto.py')
    )
    return parser.parse_args()


def extract(args: argparse.Namespace, out: Path) -> Any:
    """Return the table of the video; its colour features go to ``out``."""
    from mmengine.config import Config
    from mmengine.registry import init_default_scope

    from mmcion.apis.extract import extract_features
    from mmcion.registry import MODELS
    from mmcion.utils.downloads import fetch_file
    from mmcion.video import TrackletExtractor

    init_default_scope('mmcion')
    configs = ROOT / 'configs'
    cfg = Config.fromfile(
        configs / 'tracklets/efficientdet-lite2_bytetrack.py'
    )
    settings = {**cfg.extractor, 'clips': args.clips, 'stride': args.stride}
    extractor = TrackletExtractor(
        cfg.detector.to_dict(), cfg.tracker.to_dict(), **settings
    )
    video = args.video or fetch_file('vtest.avi')
    table = extractor.run([video], out / 'tracklets')
    cfg = Config.fromfile(configs / 'eval/reid_color-stripes_128x64.py')
    pipeline = cfg.test_dataloader.dataset.pipeline
    extract_features(
        MODELS.build(cfg.model), table, pipeline, out / 'features', meta={}
    )
    return table


def main() -> None:
    """Measure and print."""
    args = parse_args()
    from mmengine.config import Config

    from mmcion.apis.denoise import denoise
    from mmcion.evaluation import identity_metrics, match_truth, read_truth
    from mmcion.structures import FeatureStore, IdentityLabels

    cfg = Config.fromfile(args.denoise)
    with tempfile.TemporaryDirectory() as folder:
        table = extract(args, Path(folder))
        truth = match_truth(table, read_truth(args.truth, args.persons))
        features = FeatureStore.open(Path(folder) / 'features')
        labels = {'Tracklets': IdentityLabels.from_tracklets(table)}
        for last in range(1, len(cfg.pipeline) + 1):
            config = {**cfg, 'pipeline': cfg.pipeline[:last]}
            name = cfg.pipeline[last - 1].type
            labels[name] = denoise(
                table, features, config, work_dir=Path(folder) / 'stages'
            )
    result: dict[str, Any] = {
        'images': len(table),
        'tracklets': table.num_tracklets,
        'unmatched_images': int((truth < 0).sum()),
    }
    print(f'{"":24}{"  ".join(SCORES)}  kept  identities')
    for name, found in labels.items():
        scores = identity_metrics(truth, found.identity)
        line = '  '.join(f'{scores[s]:>{len(s)}.3f}' for s in SCORES)
        print(f'{name:24}{line}  {scores["kept"]:.2f}  {scores["num_found"]}')
        result[name] = {s: round(float(scores[s]), 4) for s in SCORES}
    print(json.dumps(result))


if __name__ == '__main__':
    main()
