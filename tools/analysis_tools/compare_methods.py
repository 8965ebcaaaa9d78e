"""Compare methods of pre-training: equal data, backbone, images and seeds."""

import argparse
from pathlib import Path

EXAMPLE = """examples:
  python tools/analysis_tools/compare_methods.py \\
      configs/*/*_resnet18-narrow_1xb64-30e_small-64x32.py \\
      --data work_dirs/identities --test query_gallery.csv \\
      --images 30000 --out work_dirs/comparison
  # one recipe on several labels of the same images
  python tools/analysis_tools/compare_methods.py CONFIG CONFIG \\
      --data work_dirs/identities work_dirs/tracklets/table \\
      --test query_gallery.csv --images 30000 --out work_dirs/labels

Written below the out folder: comparison.md (a table: mAP of direct transfer
before and after training, with its interval over seeds), comparison.png (mAP
over images seen), scores.json, and one work folder per run. Runs on one
process.
"""


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    from mmcion.utils.cli import add_cfg_options, tool_parser

    parser = tool_parser(__doc__, EXAMPLE)
    parser.add_argument('configs', nargs='+', help='configs of pre-training')
    parser.add_argument(
        '--data',
        nargs='+',
        required=True,
        metavar='PATH',
        help='training images as for tools/train.py, or a TrackletTable, '
        'whose tracklets are the identities: one, or one for each config',
    )
    parser.add_argument(
        '--test',
        required=True,
        metavar='FILE.csv',
        help='CSV path,pid[,cam_id],split of query and gallery',
    )
    parser.add_argument(
        '--images',
        type=int,
        required=True,
        help='images that each run sees, rounded to whole epochs',
    )
    parser.add_argument('--seeds', nargs='+', type=int, default=[0, 1, 2])
    parser.add_argument(
        '--num-scores',
        type=int,
        default=4,
        help='evaluations during a run, beside the one before (default: 4)',
    )
    parser.add_argument('--out', required=True, help='folder of all results')
    add_cfg_options(parser)
    return parser.parse_args()


def main() -> None:
    """Train, score, draw."""
    args = parse_args()
    from mmcion.apis.compare_methods import (
        Method,
        compare_methods,
        comparison_table,
    )
    from mmcion.utils.checks import UserError
    from mmcion.utils.cli import read_config, runner_config
    from mmcion.utils.io import atomic_file
    from mmcion.visualization.charts import methods_chart, save_figure

    if len(args.data) not in (1, len(args.configs)):
        raise UserError(
            f'--data takes 1 or {len(args.configs)} paths, one for each '
            f'config; got {len(args.data)}.'
        )
    data = args.data * (len(args.configs) // len(args.data))
    methods = []
    for config, path in zip(args.configs, data, strict=True):
        name = Path(config).stem
        if len(args.data) > 1:
            name += f'_{"-".join(Path(path).parts[-2:])}'
        options = argparse.Namespace(
            config=config,
            cfg_options=args.cfg_options,
            launcher='none',
            work_dir=args.out,
        )
        cfg = runner_config(options, read_config(config))
        methods.append(Method(name, cfg, path))
    if len({method.name for method in methods}) < len(methods):
        raise UserError('configs must differ, or their data.')
    curves = compare_methods(
        methods,
        args.test,
        args.out,
        images=args.images,
        seeds=args.seeds,
        num_scores=args.num_scores,
    )
    table = comparison_table(curves)
    with atomic_file(Path(args.out) / 'comparison.md') as part:
        Path(part).write_text(table + '\n')
    figure = methods_chart({c.name: (c.images, *c.interval()) for c in curves})
    save_figure(figure, Path(args.out) / 'comparison.png')
    print(table)


if __name__ == '__main__':
    from mmcion.utils.cli import SAME_COMMAND, run_tool

    run_tool(main, on_interrupt=SAME_COMMAND)
