"""Extract one feature per image of a tracklet table."""

import argparse
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]

EXAMPLE = """examples:
  python tools/extract_features.py work_dirs/tracklets/table \\
      --out work_dirs/features
  # with a model file, or a checkpoint of tools/train.py: the network, neck
  # included, and the images that it was evaluated with
  python tools/extract_features.py work_dirs/tracklets/table \\
      --checkpoint work_dirs/fine-tune/epoch_120.pth --out work_dirs/features
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
    from mmcion.utils.cli import (
        add_cfg_options,
        add_custom_imports,
        add_launcher,
        add_overwrite,
        tool_parser,
    )

    parser = tool_parser(__doc__, EXAMPLE)
    parser.add_argument('table', help='folder of a TrackletTable')
    parser.add_argument('--out', required=True, help='folder of the features')
    parser.add_argument(
        '--config',
        help='model and test pipeline (default: those of the checkpoint; '
        'without one, the weight-free colour descriptor)',
    )
    parser.add_argument(
        '--checkpoint',
        help='model file, or checkpoint of tools/train.py; alone, or as '
        'weights for the config',
    )
    add_custom_imports(parser)
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
    add_overwrite(
        parser, 'features in the out folder that other images or settings gave'
    )
    add_cfg_options(parser)
    add_launcher(parser)
    args = parser.parse_args()
    if args.config is None and args.checkpoint and args.cfg_options:
        parser.error('--cfg-options needs --config where --checkpoint is')
    return args


def open_model(args: argparse.Namespace) -> tuple[Any, list[Any], Any]:
    """Return the model, its pipeline and the config of its network."""
    from mmcion.apis.features import image_pipeline
    from mmcion.apis.zoo import get_model
    from mmcion.models.weights import use_checkpoint
    from mmcion.models.weights.network_config import network_config
    from mmcion.registry import MODELS
    from mmcion.utils.cli import check_test_config, read_config

    if args.checkpoint and args.config is None:
        model = get_model(args.checkpoint, custom_imports=args.custom_imports)
        spec = model.spec
        network = spec.model_config() if spec else network_config(model.cfg)
        return model, image_pipeline(model), network
    path = args.config or DEFAULT_CONFIG
    cfg = read_config(path, args.cfg_options)
    check_test_config(cfg, path, 'model', 'test_dataloader')
    network = cfg.model.to_dict()
    if args.checkpoint:
        use_checkpoint(cfg, args.checkpoint)
    model = MODELS.build(cfg.model)
    return model, cfg.test_dataloader.dataset.pipeline, network


def main() -> None:
    """Extract."""
    args = parse_args()
    from mmengine.registry import init_default_scope

    from mmcion.apis.extract import extract_features
    from mmcion.structures import TrackletTable
    from mmcion.utils.dist import ranks
    from mmcion.utils.io import hash_file
    from mmcion.utils.memory import reuse_freed_memory

    reuse_freed_memory()
    init_default_scope('mmcion')
    with ranks(args.launcher):
        model, pipeline, network = open_model(args)
        meta = {
            'extractor': network,
            'checkpoint': hash_file(args.checkpoint)
            if args.checkpoint
            else None,
        }
        store = extract_features(
            model,
            TrackletTable.load(args.table),
            pipeline,
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
