"""Judge a backbone on queries and gallery, without fine-tuning."""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

EXAMPLE = """examples:
  python tools/test.py configs/eval/zero-shot_color-stripes_128x64.py \\
      --cfg-options test_dataloader.dataset.ann_file=query_gallery.csv \\
      test_dataloader.dataset.data_root=work_dirs/tracklets/crops
  python tools/test.py configs/eval/zero-shot_resnet50-ibn_256x128.py \\
      work_dirs/cion/epoch_100.pth --out scores.json

A checkpoint of pre-training gives its teacher's backbone. Without one, the
network is judged as it is initialised.
"""


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    from mmcion.utils.cli import add_cfg_options, add_launcher, tool_parser

    parser = tool_parser(__doc__, EXAMPLE)
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', nargs='?', help='backbone weights')
    parser.add_argument('--work-dir', help='logs go here')
    parser.add_argument('--out', metavar='JSON', help='write the scores here')
    parser.add_argument(
        '--dump-features', metavar='NPZ', help='write all features here'
    )
    add_cfg_options(parser)
    add_launcher(parser)
    return parser.parse_args()


def main() -> None:
    """Test."""
    args = parse_args()
    from mmengine.dist import is_main_process
    from mmengine.runner import Runner

    from mmcion.utils.cli import runner_config
    from mmcion.utils.compat import check_run_checkpoint
    from mmcion.utils.dist import adapt_to_cpu_ranks, ranks
    from mmcion.utils.io import write_json
    from mmcion.utils.memory import reuse_freed_memory

    reuse_freed_memory()
    cfg = runner_config(args)
    if args.checkpoint:
        cfg.model.backbone_checkpoint = args.checkpoint
    if args.dump_features:
        cfg.test_evaluator.dump_features = args.dump_features
    check_run_checkpoint(cfg)
    with ranks(args.launcher):
        adapt_to_cpu_ranks(cfg)
        scores = Runner.from_cfg(cfg).test()
        if args.out and is_main_process():
            write_json(args.out, scores)


if __name__ == '__main__':
    from mmcion.utils.cli import run_tool

    run_tool(main)
