"""Train with a config: pre-training, linear probes, fine-tuning."""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

EXAMPLE = """example:
  python tools/train.py configs/cion/cion_resnet50-ibn_8xb120-100e_cional.py

tools/dist_train.sh and tools/slurm_train.sh run it on several GPUs.
"""


NEEDED = ('model', 'train_dataloader', 'train_cfg', 'optim_wrapper')


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    from mmcion.utils.cli import add_cfg_options, add_launcher, tool_parser

    parser = tool_parser(__doc__, EXAMPLE)
    parser.add_argument('config', help='config file')
    parser.add_argument('--work-dir', help='logs and checkpoints go here')
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        help='go on from the last sound checkpoint of the work dir, or from a '
        'file',
    )
    parser.add_argument(
        '--auto-scale-lr',
        action='store_true',
        help='scale the learning rate with the batch size of this run',
    )
    parser.add_argument('--seed', type=int, help='seed of everything')
    add_cfg_options(parser)
    add_launcher(parser)
    return parser.parse_args()


def main() -> None:
    """Train."""
    args = parse_args()
    from mmengine.runner import Runner

    from mmcion.models.weights import choose_run_checkpoint
    from mmcion.utils.cli import runner_config
    from mmcion.utils.dist import adapt_to_cpu_ranks, ranks
    from mmcion.utils.memory import reuse_freed_memory

    reuse_freed_memory()
    cfg = runner_config(args)
    if missing := [name for name in NEEDED if name not in cfg]:
        raise ValueError(
            f'{args.config} is no recipe of training: it has no '
            f'{", ".join(missing)}. Those are in configs/cion, and in '
            f'configs/eval as linear_* and fine-tune_*.'
        )
    if args.seed is not None:
        cfg.randomness = {'seed': args.seed}
    if args.resume:
        cfg.resume = True
        cfg.load_from = None if args.resume == 'auto' else args.resume
    if args.auto_scale_lr:
        if cfg.optim_wrapper.get('accumulative_counts', 1) > 1:
            raise ValueError(
                '--auto-scale-lr does not count the batches that '
                'accumulative_counts adds up; set optim_wrapper.optimizer.lr '
                'for batch_size x ranks x accumulative_counts images a step.'
            )
        cfg.auto_scale_lr = {**cfg.get('auto_scale_lr', {}), 'enable': True}
    refused = choose_run_checkpoint(cfg)
    with ranks(args.launcher):
        adapt_to_cpu_ranks(cfg)
        runner = Runner.from_cfg(cfg)
        for warning in refused:
            runner.logger.warning(warning)
        runner.train()


if __name__ == '__main__':
    from mmcion.utils.cli import run_tool

    run_tool(
        main,
        going_on='with --resume the same command goes on from the last '
        'checkpoint, without it anew',
    )
