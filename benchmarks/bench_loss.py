"""Measure CION's loss in closed form against the loop over pairs.

Example::

    python benchmarks/bench_loss.py
    python benchmarks/bench_loss.py --chunk-size 1024 --device cuda

Forward and backward pass on the same logits; with ``--chunk-size`` from the
features before the prototype layer on, for both forms. On CPUs every form
runs in a process of its own, whose resident memory is watched; on CUDA the
allocator's peak counts. Memory is beyond the inputs, seconds are the best of
some steps. The last line of output is JSON.
"""

import argparse
import json
import multiprocessing
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

MIB = 2**20
STUDENT_TEMP, TEACHER_TEMP = 0.1, 0.04
BOTTLENECK = 256


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('--batch', type=int, default=96)
    parser.add_argument('--views', type=int, default=10)
    parser.add_argument('--prototypes', type=int, default=8192)
    parser.add_argument('--num-instances', type=int, default=8)
    parser.add_argument('--chunk-size', type=int)
    parser.add_argument('--device', choices=('cpu', 'cuda'), default='cpu')
    parser.add_argument('--repeats', type=int, default=15)
    args = parser.parse_args()
    if args.batch % args.num_instances:
        parser.error('--batch must be a multiple of --num-instances')
    return args


def pairwise_loss(
    student: Tensor, teacher: Tensor, center: Tensor, num_instances: int
) -> Tensor:
    """Compute the loss as published: a cross-entropy for every pair.

    Rows are blocks of ``num_instances``; pairs of one image are averaged
    over the batch, those of two images i != j over identities.
    """
    k = num_instances
    targets = ((teacher - center) / TEACHER_TEMP).softmax(-1)
    terms = []
    for a, q in enumerate(targets):
        for v, logits in enumerate(student):
            if v == a:
                continue
            scaled = logits / STUDENT_TEMP
            pull = (-q * scaled.log_softmax(-1)).sum(-1).mean()
            for i in range(k):
                for j in range(k):
                    if i != j:
                        log_p = scaled[j::k].log_softmax(-1)
                        pull = pull + (-q[i::k] * log_p).sum(-1).mean()
            terms.append(pull / (k * (k - 1) + 1))
    return torch.stack(terms).mean()


def make_inputs(args: argparse.Namespace) -> list[Tensor]:
    """Return cosines; the first tensors are those that get a gradient."""
    rng = torch.Generator().manual_seed(0)

    def uniform(*shape: int) -> Tensor:
        values = torch.rand(shape, generator=rng) * 2 - 1
        return values.to(args.device)

    shape = args.batch, args.prototypes
    teacher, center = uniform(2, *shape), uniform(args.prototypes) * 0.2
    if args.chunk_size is None:
        return [uniform(args.views, *shape), teacher, center]
    feats = uniform(args.views, args.batch, BOTTLENECK)
    prototypes = uniform(args.prototypes, BOTTLENECK)
    normalize = torch.nn.functional.normalize
    return [
        normalize(feats, dim=-1),
        normalize(prototypes, dim=-1),
        teacher,
        center,
    ]


def step(form: str, args: argparse.Namespace, inputs: list[Tensor]) -> Any:
    """Return the loss and its gradients of one form."""
    from mmcion.models.losses import identity_distill_loss, tiled_distill_loss

    pids = torch.arange(args.batch, device=args.device) // args.num_instances
    *trained, teacher, center = inputs
    trained = [x.detach().requires_grad_() for x in trained]
    if form == 'pairwise':
        logits = trained[0] if len(trained) == 1 else trained[0] @ trained[1].T
        loss = pairwise_loss(logits, teacher, center, args.num_instances)
    elif args.chunk_size is None:
        loss = identity_distill_loss(trained[0], teacher, center, pids)
    else:
        loss = tiled_distill_loss(
            *trained, teacher, center, pids, chunk_size=args.chunk_size
        )
    grads = torch.autograd.grad(loss, trained)
    if args.device == 'cuda':
        torch.cuda.synchronize()
    return loss.detach(), grads


def anonymous_bytes() -> int:
    """Return the resident memory of this process that no file backs."""
    for line in Path('/proc/self/status').read_text().splitlines():
        if line.startswith('RssAnon:'):
            return int(line.split()[1]) * 1024
    raise OSError('this kernel does not report RssAnon')


def peak_of(function: Callable[[], Any], device: str) -> float:
    """Return by how many MiB the memory rises while ``function`` runs."""
    if device == 'cuda':
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        function()
        return (torch.cuda.max_memory_allocated() - before) / MIB
    before, peak, done = anonymous_bytes(), 0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.0005):
            peak = max(peak, anonymous_bytes())

    watcher = threading.Thread(target=watch)
    watcher.start()
    function()
    done.set()
    watcher.join()
    return max(peak - before, 0) / MIB


class Worker:
    """One form with its inputs, in a process of its own."""

    form: str
    args: argparse.Namespace
    inputs: list[Tensor]

    @classmethod
    def start(cls, form: str, args: argparse.Namespace) -> None:
        """Make the inputs and wake up libraries and threads."""
        cls.form, cls.args, cls.inputs = form, args, make_inputs(args)
        small = {**vars(args), 'batch': args.num_instances, 'prototypes': 16}
        tiny = argparse.Namespace(**small)
        step(form, tiny, make_inputs(tiny))

    @classmethod
    def run(cls) -> Any:
        """Return the loss and its gradients."""
        return step(cls.form, cls.args, cls.inputs)

    @classmethod
    def peak(cls) -> float:
        """Return the extra MiB of a step."""
        return peak_of(cls.run, cls.args.device)

    @classmethod
    def seconds(cls) -> float:
        """Return the seconds of a step."""
        began = time.perf_counter()
        cls.run()
        return time.perf_counter() - began

    @classmethod
    def figures(cls) -> list[float]:
        """Return the loss and the norms of its gradients."""
        loss, grads = cls.run()
        return [float(loss), *(float(grad.norm()) for grad in grads)]


def main() -> None:
    """Measure both forms and print."""
    args = parse_args()
    context = multiprocessing.get_context('spawn')
    # freed memory of one form must not serve the other
    with (
        context.Pool(1, Worker.start, ('pairwise', args)) as pairwise,
        context.Pool(1, Worker.start, ('closed', args)) as closed,
    ):
        pools = {'pairwise': pairwise, 'closed': closed}
        extra = {form: pool.apply(Worker.peak) for form, pool in pools.items()}
        figures = [pool.apply(Worker.figures) for pool in pools.values()]
        torch.testing.assert_close(*figures, rtol=1e-4, atol=1e-5)
        times: dict[str, list[float]] = {form: [] for form in pools}
        for _ in range(args.repeats):  # in turns: other load hits both
            for form, pool in pools.items():
                times[form].append(pool.apply(Worker.seconds))
    seconds = {form: min(found) for form, found in times.items()}
    for form in pools:
        print(f'{form:10}{seconds[form]:10.4f} s{extra[form]:10.1f} MiB')
    report = {
        'speedup': round(seconds['pairwise'] / seconds['closed'], 1),
        'memory_ratio': round(extra['closed'] / extra['pairwise'], 4),
        'extra_mib': round(extra['closed'], 1),
        'seconds': round(seconds['closed'], 4),
        'pairwise_extra_mib': round(extra['pairwise'], 1),
        'pairwise_seconds': round(seconds['pairwise'], 4),
        'loss': figures[0][0],
        'threads': torch.get_num_threads(),
        **vars(args),
    }
    print(json.dumps(report))


if __name__ == '__main__':
    main()
