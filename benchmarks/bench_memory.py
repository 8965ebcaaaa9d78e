"""Compare settings of the memory allocator in training on a CPU.

Example::

    python benchmarks/bench_memory.py --batches 32 96

Trains the recipe of the demo on made-up images, with every setting in a
process of its own: seconds and page faults of a step (medians), the peak of
resident memory, and what the process holds after the last step.
``--preload`` adds another allocator, such as ``libmimalloc.so``. The last
line of output is JSON.
"""

import argparse
import ctypes
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from plain_forms import make_images

ROOT = Path(__file__).resolve().parents[1]
CONFIG = ROOT / 'configs/cion/cion_mobilenet-v2_1xb48-5e_clips-128x64.py'
MIB = 2**20
# of glibc's malloc.h
TRIM_THRESHOLD, MMAP_THRESHOLD, MMAP_MAX, ARENA_MAX = -1, -3, -4, -8
OURS = {MMAP_MAX: 0, TRIM_THRESHOLD: 2**31 - 1}
# parameters of mallopt; 32 MiB is the highest threshold that glibc takes
SETTINGS: dict[str, dict[int, int]] = {
    'default': {},
    'ours': {},  # whatever reuse_freed_memory sets
    'ours, one arena': OURS | {ARENA_MAX: 1},
    'ours, trim from 512 MiB': OURS | {TRIM_THRESHOLD: 512 * MIB},
    'ours below 32 MiB': {**OURS, MMAP_MAX: 65536, MMAP_THRESHOLD: 32 * MIB},
    'huge pages of torch': {},
    'preloaded': {},
}
NUM_IMAGES, NUM_INSTANCES, WARM_UP = 64, 8, 2


def write_data(folder: Path, num_rows: int) -> None:
    """Write images and an annotation of one epoch."""
    from mmcion.structures import AnnotationTable

    (folder / 'images').mkdir()
    for number, jpeg in enumerate(make_images(NUM_IMAGES, 128, 64)):
        (folder / 'images' / f'{number}.jpg').write_bytes(jpeg)
    rows = np.arange(num_rows)
    names = [f'{row % NUM_IMAGES}.jpg' for row in rows]
    AnnotationTable(names, rows // NUM_INSTANCES).save(folder / 'annotation')


def resident_mib(name: str) -> int:
    """Return a field of the kernel's account of this process."""
    lines = Path('/proc/self/status').read_text().splitlines()
    return next(int(x.split()[1]) for x in lines if x.startswith(name)) // 1024


def train(setting: str, batch: int, folder: Path) -> dict[str, Any]:
    """Train an epoch and return the figures."""
    from mmengine.config import Config
    from mmengine.hooks import Hook
    from mmengine.runner import Runner

    from mmcion.utils.memory import reuse_freed_memory

    if setting == 'ours':
        reuse_freed_memory()
    for parameter, value in SETTINGS[setting].items():
        assert ctypes.CDLL(None).mallopt(parameter, value), parameter
    steps = []

    class MeasureHook(Hook):
        priority = 'LOWEST'

        def after_train_iter(self, *args: Any, **kwargs: Any) -> None:
            faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
            steps.append((time.perf_counter(), faults))

    cfg = Config.fromfile(CONFIG)
    loader = 'train_dataloader.'
    cfg.merge_from_dict(
        {
            'work_dir': str(folder / 'work'),
            'log_level': 'ERROR',
            'train_cfg.max_epochs': 1,
            loader + 'batch_size': batch,
            loader + 'num_workers': 1,
            loader + 'batch_sampler.num_instances': NUM_INSTANCES,
            loader + 'dataset.ann_file': str(folder / 'annotation'),
            loader + 'dataset.data_root': str(folder / 'images'),
        }
    )
    runner = Runner.from_cfg(cfg)
    runner.register_hook(MeasureHook())
    runner.train()
    seconds, faults = np.diff(steps[WARM_UP - 1 :], axis=0).T.tolist()
    return {
        'seconds': round(statistics.median(seconds), 2),
        'faults': round(statistics.median(faults)),
        'peak_mib': resident_mib('VmHWM'),
        'held_mib': resident_mib('VmRSS'),
    }


def in_process(
    setting: str, batch: int, steps: int, preload: str | None
) -> dict[str, Any]:
    """Return the figures of a setting in a process of its own."""
    environment = dict(os.environ)
    if setting == 'huge pages of torch':
        environment['THP_MEM_ALLOC_ENABLE'] = '1'
    if setting == 'preloaded':
        # mimalloc's: never return memory, as ours
        environment |= {'LD_PRELOAD': preload, 'MIMALLOC_PURGE_DELAY': '-1'}
    with tempfile.TemporaryDirectory() as folder:
        write_data(Path(folder), batch * steps)
        child = subprocess.run(
            [sys.executable, __file__, '--child', setting, str(batch), folder],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    return json.loads(child.stdout.splitlines()[-1])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('--batches', type=int, nargs='+', default=[32, 96])
    parser.add_argument('--steps', type=int, default=7)
    parser.add_argument('--settings', nargs='+', default=[*SETTINGS])
    parser.add_argument('--preload', help='library of another allocator')
    parser.add_argument('--child', nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        setting, batch, folder = args.child
        print(json.dumps(train(setting, int(batch), Path(folder))))
        return
    results = {}
    for batch in args.batches:
        for setting in args.settings:
            if setting == 'preloaded' and not args.preload:
                continue
            found = in_process(setting, batch, args.steps, args.preload)
            results[f'{batch}: {setting}'] = found
            print(f'{batch:4} {setting:26}{found}', flush=True)
    print(json.dumps(results))


if __name__ == '__main__':
    main()
