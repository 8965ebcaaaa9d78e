"""Denoise tracklets into identities, and write them as annotations."""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

EXAMPLE = """example:
  python tools/denoise.py configs/denoise/three-levels_auto.py \\
      --table work_dirs/tracklets/table --features work_dirs/features \\
      --out work_dirs/identities

Finished levels are kept; a second run goes on after them. In the out folder:
annotation/ (for pre-training), cion_annos.json (the published format),
identity.npy (one per row of the table), report.json.
"""


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    from mmcion.utils.cli import add_cfg_options, tool_parser

    parser = tool_parser(__doc__, EXAMPLE)
    parser.add_argument('config', help='pipeline of denoisers')
    parser.add_argument('--table', required=True, help='a TrackletTable')
    parser.add_argument('--features', required=True, help='its FeatureStore')
    parser.add_argument('--out', required=True, help='folder to write to')
    add_cfg_options(parser)
    return parser.parse_args()


def main() -> None:
    """Denoise."""
    args = parse_args()
    from mmengine.config import Config
    from mmengine.logging import MMLogger

    from mmcion.apis.denoise import denoise
    from mmcion.denoising import export_annotation
    from mmcion.structures import FeatureStore, TrackletTable
    from mmcion.utils.io import write_json

    MMLogger.get_instance('mmcion')
    cfg = Config.fromfile(args.config)
    cfg.merge_from_dict(args.cfg_options)
    table = TrackletTable.load(args.table)
    out = Path(args.out)
    features = FeatureStore.open(args.features)
    labels = denoise(table, features, cfg, work_dir=out)
    annotation, counts = export_annotation(table, labels, **cfg.export)
    labels.report['export'] = counts
    labels.save(out / 'identity.npy')
    annotation.save(out / 'annotation')
    annotation.to_cion_json(out / 'cion_annos.json')
    write_json(out / 'report.json', labels.report)
    print(
        f'{out}: {counts["images"]} of {len(table)} images, '
        f'{counts["identities"]} identities'
    )


if __name__ == '__main__':
    from mmcion.utils.cli import run_tool

    run_tool(main)
