"""Evaluate a model on queries and gallery."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parents[1]

if TYPE_CHECKING:
    from mmengine.config import Config

EXAMPLE = """examples:
  python tools/test.py configs/eval/zero-shot_color-stripes_128x64.py \\
      --cfg-options test_dataloader.dataset.ann_file=query_gallery.csv \\
      test_dataloader.dataset.data_root=work_dirs/tracklets/crops
  python tools/test.py \\
      configs/cion/benchmarks/fine-tune_resnet50-ibn_market1501.py \\
      work_dirs/fine-tune/epoch_120.pth --out scores.json --show-dir report
  python tools/test.py configs/eval/zero-shot_resnet50-ibn_256x128.py \\
      model.pth --tta --rerank k1=20 --datasets market1501 \\
      msmt17=/data/MSMT17_V1 dukemtmcreid

Of a pre-training checkpoint the backbone of the teacher is used. A checkpoint
of a fine-tuning holds its config and can stand alone. A model file brings its
own network. Without a checkpoint, the network is evaluated as it is
initialised.
"""
DATASETS = ROOT / 'configs' / '_base_' / 'datasets'


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    from mmcion.utils.cli import (
        add_cfg_options,
        add_custom_imports,
        add_launcher,
        add_verbose,
        tool_parser,
    )
    from mmcion.utils.retrieval_cli import add_retrieval_options

    parser = tool_parser(__doc__, EXAMPLE)
    parser.add_argument(
        'config', help='config file, or checkpoint of a fine-tuning (.pth)'
    )
    parser.add_argument(
        'checkpoint',
        nargs='?',
        help='weights to evaluate (default: as initialised; none: the same)',
    )
    parser.add_argument('--work-dir', help='folder for logs')
    parser.add_argument(
        '--dump-features', metavar='NPZ', help='file for all features'
    )
    parser.add_argument(
        '--tta',
        action='store_true',
        help='average the features of each image and its mirror image',
    )
    parser.add_argument(
        '--datasets',
        nargs='+',
        metavar='NAME[=DATA_ROOT]',
        help='test on each of these, named as in configs/_base_/datasets or '
        'by the path of a config, and print a table',
    )
    add_retrieval_options(parser)
    add_custom_imports(parser)
    add_cfg_options(parser)
    add_launcher(parser)
    add_verbose(parser, 'log, which is in the work dir')
    return parser.parse_args()


def test_configs(args: argparse.Namespace) -> 'dict[str, Config]':
    """Return the tests to run; the name is '' if there is only one."""
    from mmcion.apis.retrieval_configs import (
        dataset_configs,
        set_metric_options,
    )
    from mmcion.models.weights import (
        choose_run_checkpoint,
        read_test_config,
        use_checkpoint,
    )
    from mmcion.utils.checks import UserError
    from mmcion.utils.cli import check_test_config, runner_config
    from mmcion.utils.paths import CONFIG_SUFFIXES
    from mmcion.utils.retrieval_cli import check_outputs, retrieval_options

    check_outputs(
        out=args.out,
        show_dir=args.show_dir,
        dump_features=args.dump_features,
    )
    stored = None
    is_config = Path(args.config).suffix in CONFIG_SUFFIXES
    if args.checkpoint is not None and (
        not is_config or args.checkpoint.endswith('.py')
    ):
        raise UserError(
            'give CONFIG CHECKPOINT in this order, or a checkpoint of a '
            f'fine-tuning alone; got {args.config} {args.checkpoint}.'
        )
    if not is_config:
        args.checkpoint = args.config
        stored = read_test_config(
            args.config, custom_imports=args.custom_imports
        )
    cfg = runner_config(args, stored)
    cfg.resume = False  # as a config that a training has saved may state
    needed = ('model', 'test_dataloader', 'test_evaluator')
    check_test_config(cfg, args.config, *needed)
    if args.checkpoint in (None, 'none'):
        args.checkpoint = None
    else:
        use_checkpoint(cfg, args.checkpoint)
        cfg.load_from = None  # what the training began with
    if args.tta:
        cfg.model.flip_test = True
    choose_run_checkpoint(cfg)
    configs = {'': cfg}
    if args.datasets:
        configs = dataset_configs(
            cfg, args.datasets, DATASETS, args.cfg_options
        )
    for name, each in configs.items():
        options = retrieval_options(args)
        if args.dump_features:
            path = Path(args.dump_features)
            stem = f'{path.stem}_{name}' if name else path.stem
            options['dump_features'] = str(path.with_stem(stem))
        set_metric_options(each, options)
        if args.show_dir:
            out_dir = str(Path(args.show_dir) / name)
            hook = {'type': 'RetrievalReportHook', 'out_dir': out_dir}
            each.custom_hooks = [*each.get('custom_hooks', []), hook]
        if not args.verbose:
            hook = {'type': 'mmcion.ProgressHook'}
            each.custom_hooks = [*each.get('custom_hooks', []), hook]
    return configs


def run_test(
    cfg: 'Config', checkpoint: str | None, verbose: bool
) -> tuple[dict[str, float], dict[str, Any]]:
    """Return the scores of a test, and what they depend on."""
    from mmengine.runner import Runner

    from mmcion.apis.fingerprint import fingerprint
    from mmcion.engine.quiet_runner import QuietRunner
    from mmcion.utils.dist import adapt_to_test_ranks

    adapt_to_test_ranks(cfg)
    runner = (Runner if verbose else QuietRunner).from_cfg(cfg)
    if checkpoint is None:
        runner.logger.warning(
            'No checkpoint is given: the network is evaluated as it is '
            'initialised.'
        )
    scores = runner.test()
    return scores, fingerprint(runner, {'test': runner.test_loop})


def main() -> None:
    """Test on one data set or several."""
    args = parse_args()
    from mmengine.dist import is_main_process
    from mmengine.logging import MMLogger

    from mmcion.engine.quiet_runner import quiet_console
    from mmcion.utils.checks import UserError
    from mmcion.utils.dist import ranks
    from mmcion.utils.io import write_json
    from mmcion.utils.memory import reuse_freed_memory
    from mmcion.utils.score_table import (
        describe_options,
        score_lines,
        score_table,
    )

    reuse_freed_memory()
    if not args.verbose:  # of what comes before the runner
        quiet_console(MMLogger.get_current_instance())
    configs = test_configs(args)
    scores, prints, failed = {}, {}, {}
    with ranks(args.launcher):
        for name, cfg in configs.items():
            try:
                scores[name], prints[name] = run_test(
                    cfg, args.checkpoint, args.verbose
                )
            except (OSError, UserError) as error:
                if len(configs) == 1 or args.launcher != 'none':
                    raise
                failed[name] = error  # the other data sets still count
        if not is_main_process():
            return
        if args.datasets:
            print(score_table(scores))
        options = {name: each['options'] for name, each in prints.items()}
        texts = {name: describe_options(o) for name, o in options.items()}
        for name, text in texts.items():
            print(f'{name} scored with {text}'.lstrip())
        if args.show_dir:
            print(f'report: {Path(args.show_dir) / "report.html"}')
        if not args.datasets:
            print(score_lines(scores['']))
        if args.out:
            # names of scores stay beside the options
            content = {
                name: {
                    **values,
                    'options': options[name],
                    'fingerprint': prints[name],
                }
                for name, values in scores.items()
            }
            write_json(args.out, content if args.datasets else content[''])
        if args.show_dir and args.datasets:
            from mmcion.visualization import write_comparison

            page = Path(args.show_dir) / 'report.html'
            write_comparison(page, scores, options=texts)
    if failed:
        raise UserError(
            '; '.join(f'{name}: {error}' for name, error in failed.items())
        )


if __name__ == '__main__':
    from mmcion.utils.cli import run_tool

    run_tool(main)
