"""Check that a training that was stopped goes on as if it had not been.

Example::

    python benchmarks/bench_resume.py --device cpu

Two short epochs of the shipped recipe on made-up images in one go; then the
first alone, and the second after resuming from its checkpoint. On GPUs sums
have no fixed order, so the losses must only be close. The options are those of
``bench_step.py``. The last line of output is JSON.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.hooks import Hook
from mmengine.runner import Runner
from step_setup import in_process, make_config, parse_sizes

EPOCHS, TOLERANCE = 2, 0.02


class StopHook(Hook):
    """Stop after the epoch that begins."""

    def before_train_epoch(self, runner: Runner) -> None:
        """Let the loop end."""
        runner.train_loop.stop_training = True


def train(
    args: argparse.Namespace, folder: Path, name: str, *hooks: Hook
) -> np.ndarray:
    """Train, resuming if possible; return the loss of each step so far."""
    cfg = make_config(args, folder, args.batch)
    options: dict[str, Any] = {
        'work_dir': str(folder / name),
        'experiment_name': f'{name}-{len(hooks)}',
        'resume': True,
        'train_cfg.max_epochs': EPOCHS,
        'default_hooks.checkpoint.interval': 1,
    }
    cfg.merge_from_dict(options)
    runner = Runner.from_cfg(cfg)
    for hook in hooks:
        runner.register_hook(hook)
    runner.train()
    return runner.message_hub.get_scalar('train/loss').data[0]


def measure(
    args: argparse.Namespace, folder: Path, batch: int
) -> dict[str, Any]:
    """Return the largest difference of a loss, relative to it."""
    expected = train(args, folder, 'whole')
    train(args, folder, 'parts', StopHook())
    resumed = train(args, folder, 'parts')
    assert len(expected) == len(resumed) and np.isfinite(expected).all()
    return {
        'losses': [round(float(loss), 4) for loss in expected],
        'largest_difference': float(np.abs(resumed / expected - 1).max()),
        'identical': bool((resumed == expected).all()),
    }


def main() -> None:
    """Measure, check and print."""
    args = parse_sizes(
        argparse.ArgumentParser(
            description=__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
    )
    report = {**vars(args), **in_process(measure, args, args.batch)}
    assert report['largest_difference'] < TOLERANCE, report
    print(json.dumps(report))


if __name__ == '__main__':
    main()
