"""Measure how long IdentitySampler takes to plan an epoch.

Example::

    python benchmarks/bench_sampler.py

Plans an epoch at the size of CION-AL, a half and a quarter of it, best of
some repeats each; identities have log-normal sizes. An epoch may reach into
two passes over the data, and the slowest epoch of each K counts. Prints a
table; the last line of output is JSON, where ``growth`` is the time of all
images over that of a quarter: 4 is linear, and random access to arrays that
outgrow the caches comes on top.
"""

import argparse
import json
import time
from types import SimpleNamespace
from typing import Any

import numpy as np

EPOCHS = (0, 1, 50)
PARTS = {'all': 1, 'half': 2, 'quarter': 4}


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('--images', type=int, default=3_898_086)
    parser.add_argument('--identities', type=int, default=246_904)
    parser.add_argument('--batch-size', type=int, default=120)
    parser.add_argument(
        '--num-instances', type=int, nargs='+', default=[2, 4, 6, 8]
    )
    parser.add_argument('--repeats', type=int, default=5)
    parser.add_argument('--compat-padding', action='store_true')
    parser.add_argument('--balance-cameras', action='store_true')
    return parser.parse_args()


def make_dataset(images: int, identities: int) -> SimpleNamespace:
    """Return shuffled labels; every identity has an image or more."""
    rng = np.random.default_rng(0)
    weight = rng.lognormal(0, 1, identities)
    count = 1 + rng.multinomial(images - identities, weight / weight.sum())
    pids = np.repeat(np.arange(identities, dtype=np.int32), count)
    cam_ids = rng.integers(0, 6, images, dtype=np.int32)
    return SimpleNamespace(pids=rng.permutation(pids), cam_ids=cam_ids)


def make_sampler(args: argparse.Namespace, part: int) -> Any:
    """Return the sampler of a part of the data."""
    from mmcion.datasets import IdentitySampler

    dataset = make_dataset(args.images // part, args.identities // part)
    begin = time.perf_counter()
    # as mmengine's DefaultSampler
    order = SimpleNamespace(
        dataset=dataset, seed=0, epoch=0, rank=0, world_size=1
    )
    sampler = IdentitySampler(
        order,
        args.batch_size,
        args.num_instances[0],
        compat_padding=args.compat_padding,
        balance_cameras=args.balance_cameras,
    )
    made = time.perf_counter() - begin
    print(f'{len(dataset.pids):9} images: construction {made:.3f} s')
    return sampler


def measure_plans(samplers: dict[str, Any], repeats: int) -> dict[str, float]:
    """Return the best seconds of each; they take turns, under one load."""
    seconds: dict[str, list[float]] = {name: [] for name in samplers}
    for _ in range(repeats):
        for name, sampler in samplers.items():
            begin = time.perf_counter()
            sampler.plan()
            seconds[name].append(time.perf_counter() - begin)
    return {name: min(found) for name, found in seconds.items()}


def main() -> None:
    """Measure and print."""
    from mmcion.utils.memory import reuse_freed_memory

    args = parse_args()
    # as tools/train.py does
    reuse_freed_memory()
    samplers = {name: make_sampler(args, part) for name, part in PARTS.items()}
    slowest = dict.fromkeys(PARTS, 0.0)
    for num_instances in args.num_instances:
        for epoch in EPOCHS:
            for sampler in samplers.values():
                sampler.set_num_instances(num_instances)
                sampler.sampler.epoch = epoch
            found = measure_plans(samplers, args.repeats)
            slowest = {name: max(slowest[name], found[name]) for name in found}
            times = ', '.join(f'{name} {s:.3f} s' for name, s in found.items())
            print(f'K {num_instances}, epoch {epoch:2}: {times}', flush=True)
    result = {
        'images': args.images,
        'identities': args.identities,
        'seconds': round(slowest['all'], 4),
        'seconds_half': round(slowest['half'], 4),
        'seconds_quarter': round(slowest['quarter'], 4),
        'growth': round(slowest['all'] / slowest['quarter'], 2),
    }
    print(json.dumps(result))


if __name__ == '__main__':
    main()
