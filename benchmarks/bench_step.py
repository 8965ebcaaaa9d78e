"""Measure CION's training step, ours against the published formulation.

Example::

    python benchmarks/bench_step.py --workers 16 --crops device
    python benchmarks/bench_step.py --device cpu

Ours is mmengine's runner on the shipped config: its model, data loader,
optimizer wrapper and hooks. Beside it stands a plain loop on the same
networks: Pillow's views, a loss for every pair, a host that waits for every
gradient's norm (``plain_forms.py``). Both train on one device, without DDP,
with K images per identity and all parameters, as late epochs do.

Both are measured twice: the step alone, with a batch that lies on the device
(with ``--crops device`` ours makes the views in it), and end to end with data
loading from made-up JPEGs of the size of person images. Warm-up, in which
kernels are chosen and compiled, does not count. Every form has a process of
its own. If the plain form runs out of memory, the next smaller multiple of 24
images is tried; speedups compare images per second, and memory is per image.

MFU counts the operations of the matrix products and convolutions of the
forward passes and the student's backward pass, and none twice. Memory is the
allocator's peak in the step, beyond parameters, buffers and optimizer state.
The last line of output is JSON.
"""

import argparse
import json
import os
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.hooks import Hook
from mmengine.logging import MMLogger
from mmengine.runner import Runner
from plain_forms import PlainTraining, paper_loader, paper_pipeline
from step_setup import in_process, make_config, parse_sizes
from step_window import MIB, Window, state_bytes
from torch.utils.data import DataLoader
from torch.utils.flop_counter import FlopCounterMode

TERA = 1e12
# dense bfloat16 of the SXM modules, by their data sheets
PEAK_TFLOPS = {'H200': 989.0, 'H100': 989.0, 'A100': 312.0}
DTYPES = {'bf16': torch.bfloat16, 'fp16': torch.float16}
# every K of the recipe divides it
BATCH_UNIT = 24


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('--plain-precision', choices=DTYPES, default='bf16')
    parser.add_argument(
        '--no-plain', action='store_true', help='measure ours only'
    )
    parser.add_argument('--peak-tflops', type=float, help='of the device')
    return parse_sizes(parser)


def figures(
    batch: int, loss: float, alone: Window, loading: Window, state: int
) -> dict[str, Any]:
    """Return what is printed of a form."""
    assert alone.seconds and loading.seconds
    return {
        'batch': batch,
        'loss': loss,
        'seconds': alone.seconds,
        'step_images_per_second': batch / alone.seconds,
        'images_per_second': batch / loading.seconds,
        'waiting': loading.waiting,
        'extra_mib': (alone.peak - state) / MIB if alone.peak else None,
    }


class MeasureHook(Hook):
    """Make steps on one batch, then go through an epoch, and measure both."""

    priority = 'LOWEST'

    def __init__(self, args: argparse.Namespace) -> None:
        self.alone, self.loading = Window(args), Window(args)
        self.current = self.alone
        self.loss: float | None = None

    def before_train_epoch(self, runner: Runner) -> None:
        """Make the steps on one batch."""
        runner.model.train()
        batch = device_batch(runner)
        for number in range(self.alone.total):
            runner.train_loop.run_iter(number, batch)
        self.current = self.loading
        runner.train_loop.stop_training = True  # after this epoch

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None
    ) -> None:
        """Note that a batch is there."""
        self.current.batch_came()

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Any = None,
    ) -> None:
        """Note that a step was made."""
        if self.loss is None:
            self.loss = outputs['loss'].item()
        self.current.step_done()


def first_items(loader: DataLoader) -> Any:
    """Return a collated batch, without workers."""
    rows = next(iter(loader.batch_sampler))
    return loader.collate_fn([loader.dataset[row] for row in rows])


def device_batch(runner: Runner) -> dict[str, Any]:
    """Return a batch of the runner that lies on the device."""
    from mmcion.structures import ViewPlan

    cast = runner.model.data_preprocessor.cast_data
    batch = first_items(runner.train_dataloader)
    inputs = batch['inputs']
    if isinstance(inputs, ViewPlan):  # numbers of a plan stay on the host
        moved = inputs._replace(images=cast(inputs.images))
    else:
        moved = cast(inputs)
    return {**batch, 'inputs': moved}


def measure_ours(
    args: argparse.Namespace, folder: Path, batch: int
) -> dict[str, Any]:
    """Return the figures of the runner."""
    from mmcion.utils.memory import reuse_freed_memory

    reuse_freed_memory()  # as tools/train.py does
    runner = Runner.from_cfg(make_config(args, folder, batch))
    hook = MeasureHook(args)
    runner.register_hook(hook)
    runner.train()
    assert hook.loss is not None
    state = state_bytes(runner.model, runner.optim_wrapper.optimizer)
    return figures(batch, hook.loss, hook.alone, hook.loading, state)


def measure_plain(
    args: argparse.Namespace, folder: Path, batch: int
) -> dict[str, Any]:
    """Return the figures of the plain loop."""
    from mmcion.registry import MODELS

    torch.backends.cudnn.benchmark = True
    torch.manual_seed(0)
    MMLogger.get_instance('plain', log_level='ERROR')
    model = MODELS.build(plain_model(args, folder, batch)).to(args.device)
    model.init_weights()
    dtype = DTYPES[args.plain_precision]
    training = PlainTraining(
        model.student,
        model.teacher,
        args.prototypes,
        args.num_instances,
        dtype,
    )
    make = paper_pipeline(args.num_local, args.view_height)
    loader = paper_loader(
        folder, make, batch, args.num_instances, args.workers
    )
    alone, loading = Window(args), Window(args)
    views, _ = first_items(loader)
    views = [view.to(args.device) for view in views]
    losses = []
    for _ in range(alone.total):
        alone.batch_came()
        losses.append(training.step(views))
        alone.step_done()
    for views, _ in islice(loader, loading.total):
        loading.batch_came()
        training.step(views)
        loading.step_done()
    state = state_bytes(model, training.optimizer)
    return figures(batch, losses[0], alone, loading, state)


def plain_model(
    args: argparse.Namespace, folder: Path, batch: int
) -> dict[str, Any]:
    """Return the config of the networks, without what makes them fast."""
    cfg = make_config(args, folder, batch).model
    cfg.update(channels_last=False, compile_backbone=False)
    cfg.head.chunk_size = None
    return cfg


def plain_figures(args: argparse.Namespace) -> dict[str, Any]:
    """Return the figures of the plain form at the first batch that fits."""
    largest = (args.batch - 1) // BATCH_UNIT * BATCH_UNIT
    for batch in (args.batch, *range(largest, 0, -BATCH_UNIT)):
        if batch % args.num_instances:
            continue
        try:
            return in_process(measure_plain, args, batch)
        except torch.cuda.OutOfMemoryError as error:
            print(f'plain, {batch} images: out of memory: {error}', flush=True)
    raise MemoryError('the plain form does not fit with any batch')


def tera_per_image(args: argparse.Namespace) -> float:
    """Return the 10^12 operations of one image in a step of the model."""
    from mmcion.registry import MODELS

    model = MODELS.build(plain_model(args, Path(), args.batch)).to('meta')
    shapes = [(args.view_height, args.view_height // 2)] * 2
    shapes += [(args.view_height // 2, args.view_height // 4)] * args.num_local
    views = [torch.empty(1, 3, *shape, device='meta') for shape in shapes]
    with FlopCounterMode(display=False) as counter:
        model.teacher(views[:2])
        model.student(views).sum().backward()
    return counter.get_total_flops() / TERA


def make_report(
    args: argparse.Namespace,
    ours: dict[str, Any],
    plain: dict[str, Any] | None,
) -> dict[str, Any]:
    """Return the numbers of the last line."""
    name = 'CPU'
    if args.device == 'cuda':
        name = torch.cuda.get_device_name()
    known = [peak for key, peak in PEAK_TFLOPS.items() if key in name]
    peak = args.peak_tflops or (known[0] if known else None)
    tera = tera_per_image(args)
    for form in filter(None, (ours, plain)):
        rate = tera * form['step_images_per_second']
        form['mfu'] = rate / peak if peak else None
    report = {
        **(ratios(ours, plain) if plain else {}),
        **ours,
        **{f'plain_{key}': value for key, value in (plain or {}).items()},
        'tflop_per_image': tera,
        'device_name': name,
        'cpus': os.cpu_count(),
        'threads': torch.get_num_threads(),
        'torch': torch.__version__,
        **vars(args),
        'peak_tflops': peak,
    }
    return {key: rounded(value) for key, value in report.items()}


def ratios(ours: dict[str, Any], plain: dict[str, Any]) -> dict[str, Any]:
    """Return how ours compares with the plain form."""
    memory = None
    if ours['extra_mib']:
        memory = ours['extra_mib'] / plain['extra_mib']
        memory *= plain['batch'] / ours['batch']
    speed = 'images_per_second'
    return {
        'speedup': ours[speed] / plain[speed],
        'step_speedup': ours['step_' + speed] / plain['step_' + speed],
        'memory_ratio': memory,
    }


def rounded(value: Any) -> Any:
    """Return four significant digits of a float."""
    return float(f'{value:.4g}') if isinstance(value, float) else value


def show(name: str, form: dict[str, Any]) -> None:
    """Print a line about a form."""
    memory = form['extra_mib']
    print(
        f'{name:6}{form["batch"]:5} images{form["seconds"] * 1000:10.1f} '
        f'ms/step{form["images_per_second"]:10.1f} images/s with data, '
        f'{form["waiting"]:.1%} waiting for it; '
        f'{"memory not measured" if memory is None else f"{memory:.0f} MiB"}',
        flush=True,
    )


def main() -> None:
    """Measure both forms and print."""
    args = parse_args()
    if args.device == 'cpu':  # for mmengine too
        os.environ['CUDA_VISIBLE_DEVICES'] = ''
    ours = in_process(measure_ours, args, args.batch)
    show('ours', ours)
    plain = None
    if not args.no_plain:
        plain = plain_figures(args)
        show('plain', plain)
        # the same networks at their start, up to the views
        np.testing.assert_allclose(ours['loss'], plain['loss'], rtol=0.02)
    print(json.dumps(make_report(args, ours, plain)))


if __name__ == '__main__':
    main()
