"""Train with a config: pre-training, linear probes, fine-tuning."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mmengine.config import Config


EXAMPLE = """examples:
  python tools/train.py configs/cion/cion_resnet50-ibn_8xb120-100e_cional.py
  python tools/train.py configs/cion/cion_resnet50-ibn_1xb240-100e_cional.py \\
      --data work_dirs/identities --cfg-options train_cfg.max_epochs=20

tools/dist_train.sh and tools/slurm_train.sh run it on several GPUs.
"""
NEEDED = ('model', 'train_dataloader', 'train_cfg', 'optim_wrapper')


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    from mmcion.utils.cli import add_cfg_options, add_launcher, tool_parser

    parser = tool_parser(__doc__, EXAMPLE)
    parser.add_argument('config', help='config file')
    parser.add_argument(
        '--data',
        metavar='PATH',
        help='images for pre-training, in place of those of the config: the '
        'folder that tools/denoise.py wrote, an AnnotationTable, or a CION '
        'annotation JSON beside its images',
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
        UserError: If it is not a config of training, or ``--data`` does not
            suit it.
    """
    from mmcion.utils.checks import UserError
    from mmcion.utils.cli import runner_config

    if args.data:
        args.cfg_options = {**data_options(args.data), **args.cfg_options}
    cfg = runner_config(args)
    if missing := [name for name in NEEDED if name not in cfg]:
        raise UserError(
            f'{args.config} is not a config of training: it has no '
            f'{", ".join(missing)}. Those are in configs/cion.'
        )
    kind = cfg.train_dataloader.dataset.type
    kind = getattr(kind, '__name__', kind)  # a class in Python configs
    if args.data and kind != 'IdentityDataset':
        raise UserError(
            f'--data is for pre-training, as configs/cion/cion_*.py, but '
            f'{args.config} reads a {kind}; set data_root of its '
            f'train_dataloader.dataset, val_dataloader.dataset and '
            f'test_dataloader.dataset.'
        )
    if args.seed is not None:
        cfg.randomness = {'seed': args.seed}
    if args.resume:
        cfg.resume = True
        cfg.load_from = None if args.resume == 'auto' else args.resume
    if args.auto_scale_lr:
        cfg.auto_scale_lr = {**cfg.get('auto_scale_lr', {}), 'enable': True}
    return cfg


def data_options(path: str) -> dict[str, Any]:
    """Return the settings of ``IdentityDataset`` for ``--data``."""
    annotation = Path(path) / 'annotation'
    dataset = 'train_dataloader.dataset'
    return {
        f'{dataset}.ann_file': str(annotation)
        if annotation.is_dir()
        else path,
        f'{dataset}.data_root': None,  # as the annotation states
    }


def main() -> None:
    """Train."""
    args = parse_args()
    from mmengine.runner import Runner

    from mmcion.models.weights import choose_run_checkpoint
    from mmcion.utils.dist import adapt_to_cpu_ranks, ranks
    from mmcion.utils.memory import reuse_freed_memory

    reuse_freed_memory()
    cfg = read_recipe(args)
    refused = choose_run_checkpoint(cfg)
    with ranks(args.launcher):
        adapt_to_cpu_ranks(cfg)
        runner = Runner.from_cfg(cfg)
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
