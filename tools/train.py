"""Train with a config: pre-training, linear probes, fine-tuning."""

from __future__ import annotations

import argparse
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mmengine.config import Config


EXAMPLE = """examples:
  python tools/train.py configs/cion/cion_resnet50-ibn_8xb120-100e_cional.py
  python tools/train.py configs/cion/cion_resnet50-ibn_1xb240-100e_cional.py \\
      --data work_dirs/identities --cfg-options train_cfg.max_epochs=20
  python tools/train.py \\
      configs/cion/benchmarks/fine-tune_resnet50-ibn_market1501.py \\
      --data my_people more_people.csv --hold-out 0.2 --image-size 256 128

tools/dist_train.sh and tools/slurm_train.sh run it on several GPUs.
"""
NEEDED = ('model', 'train_dataloader', 'train_cfg', 'optim_wrapper')


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    from mmcion.utils.cli import (
        add_cfg_options,
        add_image_size,
        add_launcher,
        tool_parser,
    )

    parser = tool_parser(__doc__, EXAMPLE)
    parser.add_argument('config', help='config file')
    parser.add_argument(
        '--data',
        nargs='+',
        metavar='PATH',
        help='images of your own in place of those of the config: a folder '
        'of identities, a CSV (path,pid[,cam_id][,split]; rows of query and '
        'gallery are the test), images named as in '
        'Market-1501, the folder that tools/denoise.py wrote, an '
        'AnnotationTable, a TrackletTable (a tracklet is an identity) or a '
        'CION annotation JSON; several are joined, with different identities',
    )
    parser.add_argument(
        '--hold-out',
        type=float,
        metavar='FRACTION',
        help='fraction of the identities of --data to test on, not to train',
    )
    add_image_size(
        parser,
        'pixels of images and global views (default: those of the config)',
    )
    parser.add_argument('--work-dir', help='logs and checkpoints go here')
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        help='resume from the last intact checkpoint of the work dir, or from '
        'a file',
    )
    parser.add_argument(
        '--auto-scale-lr',
        action='store_true',
        help='scale the learning rate with the images per step of this run '
        '(recipes of configs/cion/cion_*_cional.py always do)',
    )
    parser.add_argument('--seed', type=int, help='seed of everything')
    add_cfg_options(parser)
    add_launcher(parser)
    return parser.parse_args()


def read_recipe(args: argparse.Namespace) -> Config:
    """Return the config of the run.

    Raises:
        UserError: If it is not a config of training.
    """
    from mmcion.apis.own_data import (
        prepare_data,
        set_image_size,
        use_own_data,
    )
    from mmcion.utils.checks import UserError
    from mmcion.utils.cli import read_config, runner_config

    given = read_config(args.config)
    if missing := [name for name in NEEDED if name not in given]:
        raise UserError(
            f'{args.config} is not a config of training: it has no '
            f'{", ".join(missing)}. Those are in configs/cion.'
        )
    if args.hold_out is not None and not args.data:
        raise UserError('--hold-out is a fraction of --data; give it, too.')
    if args.data:
        # checks the options before any image is looked for
        work_dir = runner_config(args, deepcopy(given)).work_dir
        data = prepare_data(
            args.data,
            Path(work_dir) / 'data',
            hold_out=args.hold_out,
            seed=args.seed or 0,
        )
        use_own_data(given, data)
    if args.image_size:
        set_image_size(given, args.image_size)
    cfg = runner_config(args, given)
    if args.seed is not None:
        cfg.randomness = {'seed': args.seed}
    if args.resume:
        cfg.resume = True
        cfg.load_from = None if args.resume == 'auto' else args.resume
    if args.auto_scale_lr:
        cfg.auto_scale_lr = {**cfg.get('auto_scale_lr', {}), 'enable': True}
    return cfg


def main() -> None:
    """Train."""
    args = parse_args()
    from mmengine.runner import Runner

    from mmcion.engine.unwrap import unwrapped_model
    from mmcion.models.weights import (
        choose_run_checkpoint,
        read_checkpoint,
        require_whole_model,
    )
    from mmcion.utils.dist import (
        adapt_to_cpu_ranks,
        ranks,
        warn_of_batch_norm,
    )
    from mmcion.utils.memory import reuse_freed_memory

    reuse_freed_memory()
    with ranks(args.launcher):
        cfg = read_recipe(args)
        refused = choose_run_checkpoint(cfg)
        adapt_to_cpu_ranks(cfg)
        runner = Runner.from_cfg(cfg)
        if cfg.get('load_from'):
            # mmengine loads what fits and leaves the rest at random
            content = read_checkpoint(cfg.load_from)
            require_whole_model(unwrapped_model(runner), content)
            del content
        warn_of_batch_norm(runner.model, runner.logger)
        for warning in refused:
            runner.logger.warning(warning)
        counts = cfg.optim_wrapper.get('accumulative_counts', 1)
        if runner.auto_scale_lr and counts > 1:
            # mmengine counts the images of a batch, not those of a step
            base = runner.auto_scale_lr['base_batch_size'] / counts
            runner.auto_scale_lr = {
                **runner.auto_scale_lr,
                'base_batch_size': base,
            }
        runner.train()


if __name__ == '__main__':
    from mmcion.utils.cli import run_tool

    run_tool(
        main,
        on_interrupt='with --resume the same command continues from the last '
        'checkpoint, without it from the start',
    )
