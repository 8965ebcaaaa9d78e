"""Extract one feature per image of a tracklet table."""

import argparse
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

EXAMPLE = """examples:
  python tools/extract_features.py work_dirs/tracklets/table \\
      --out work_dirs/features
  python tools/extract_features.py work_dirs/tracklets/table \\
      --config configs/eval/zero-shot_resnet50-ibn_256x128.py \\
      --checkpoint work_dirs/cion/epoch_100.pth --out work_dirs/features

The same command resumes a run that was stopped.
"""
DEFAULT_CONFIG = (
    ROOT / 'configs' / 'eval' / 'zero-shot_color-stripes_128x64.py'
)


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    from mmcion.utils.cli import add_cfg_options, add_launcher, tool_parser

    parser = tool_parser(__doc__, EXAMPLE)
    parser.add_argument('table', help='folder of a TrackletTable')
    parser.add_argument('--out', required=True, help='folder of the features')
    parser.add_argument(
        '--config',
        default=str(DEFAULT_CONFIG),
        help='model and test pipeline (default: the weight-free colour '
        'descriptor)',
    )
    parser.add_argument('--checkpoint', help='weights of the backbone')
    parser.add_argument('--batch-size', type=int, default=64)
    parser.add_argument('--num-workers', type=int, default=2)
    parser.add_argument(
        '--max-unreadable',
        type=int,
        default=0,
        metavar='N',
        help='continue if up to N images are missing or damaged; their '
        'features are zero and features.json lists their rows (default: 0)',
    )
    parser.add_argument(
        '--overwrite',
        action='store_true',
        help='replace features in the out folder that other images or '
        'settings gave',
    )
    add_cfg_options(parser)
    add_launcher(parser)
    return parser.parse_args()


def main() -> None:
    """Extract."""
    args = parse_args()
    from mmengine.registry import init_default_scope

    from mmcion.apis.extract import extract_features
    from mmcion.registry import MODELS
    from mmcion.structures import TrackletTable
    from mmcion.utils.cli import read_config
    from mmcion.utils.dist import ranks
    from mmcion.utils.io import hash_file
    from mmcion.utils.memory import reuse_freed_memory

    reuse_freed_memory()
    cfg = read_config(args.config, args.cfg_options)
    init_default_scope('mmcion')
    meta = {'extractor': cfg.model.to_dict(), 'checkpoint': None}
    if args.checkpoint:
        cfg.model.backbone_checkpoint = args.checkpoint
        meta['checkpoint'] = hash_file(args.checkpoint)
    with ranks(args.launcher):
        model = MODELS.build(cfg.model)
        store = extract_features(
            model,
            TrackletTable.load(args.table),
            cfg.test_dataloader.dataset.pipeline,
            args.out,
            meta=meta,
            batch_size=args.batch_size,
            num_workers=args.num_workers,
            max_unreadable=args.max_unreadable,
            overwrite=args.overwrite,
        )
    empty = len(store.unreadable)
    print(
        f'{args.out}: {len(store)} features of {store.dim} dimensions'
        + (f', {empty} of them zero: unreadable images' if empty else '')
    )


if __name__ == '__main__':
    from mmcion.utils.cli import SAME_COMMAND, run_tool

    run_tool(main, on_interrupt=SAME_COMMAND)
