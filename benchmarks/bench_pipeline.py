"""Measure what a worker does with an image: decode, cut views, batch them.

Example::

    python benchmarks/bench_pipeline.py --images 400 --batch 40
    python benchmarks/bench_pipeline.py --batch 120 --device cuda

Ours is ``LoadImage`` and ``MultiCrop`` with 2 + 8 views. Beside it stands the
formulation of the paper with Pillow and torchvision, which ends in normalised
floats; ours leaves that to the device, and ``--normalise`` adds it. Images are
made up, as JPEG, of the size of person images. One thread; the two take turns
and the best round of each counts. Then the other way: what a worker does with
an image when its views are made on the device, and how fast ``--device`` makes
and normalises them. The last line of output is JSON.
"""

import argparse
import json
import random
import time
from collections.abc import Callable
from typing import Any

import cv2
import torch
from plain_forms import MEAN, STD, Views, make_images, paper_pipeline
from torch import Tensor


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('--images', type=int, default=400)
    parser.add_argument('--batch', type=int, default=40)
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--height', type=int, default=300)
    parser.add_argument('--width', type=int, default=130)
    parser.add_argument('--num-local', type=int, default=8)
    parser.add_argument(
        '--normalise', action='store_true', help='ours on the CPU too'
    )
    parser.add_argument('--device', choices=('cpu', 'cuda'), default='cpu')
    return parser.parse_args()


def our_pipeline(
    num_local: int, *, on_device: bool = False
) -> Callable[[bytes], Any]:
    """Return what configs use."""
    from mmcion.datasets.transforms import LoadImage, MultiCrop

    load = LoadImage()
    crop = MultiCrop((256, 128), (128, 64), num_local, on_device=on_device)

    def make(content: bytes) -> Any:
        return crop(load({'img_path': '', 'img_bytes': content}))['views']

    return make


def normalise(batch: Tensor) -> Tensor:
    """Do what the data preprocessor does on the device."""
    mean, std = (torch.tensor(v).view(-1, 1, 1) for v in (MEAN, STD))
    return batch.float().div_(255).sub_(mean).div_(std)


def rate(
    make: Callable[[bytes], Views],
    images: list[bytes],
    batch: int,
    finish: Callable[[Tensor], Tensor] | None,
) -> float:
    """Return images per second, batching included."""
    start = time.process_time()
    for first in range(0, len(images), batch):
        items = [make(image) for image in images[first : first + batch]]
        views = [torch.stack(view) for view in zip(*items, strict=True)]
        if finish is not None:
            views = [finish(view) for view in views]
    return len(images) / (time.process_time() - start)


def plan_rate(
    images: list[bytes], batch: int, num_local: int
) -> tuple[float, list[Any]]:
    """Return images per second of a worker that cuts nothing, and batches."""
    from mmcion.structures import ViewPlan

    make = our_pipeline(num_local, on_device=True)
    start = time.process_time()
    plans = [
        ViewPlan.stack([make(image) for image in images[first:][:batch]])
        for first in range(0, len(images), batch)
    ]
    return len(images) / (time.process_time() - start), plans


def device_rate(plans: list[Any], device: str) -> float:
    """Return images per second of making views on the device."""
    from mmcion.models import ReIDDataPreprocessor

    preprocessor = ReIDDataPreprocessor().to(device)
    best = 0.0
    for _ in range(3):  # the first wakes the device up
        start = time.perf_counter()
        for plan in plans:
            preprocessor({'inputs': plan})
        if device == 'cuda':
            torch.cuda.synchronize()
        seconds = time.perf_counter() - start
        best = max(best, sum(len(plan.images) for plan in plans) / seconds)
    return best


def main() -> None:
    """Measure and print."""
    args = parse_args()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    random.seed(0)
    torch.manual_seed(0)
    images = make_images(args.images, args.height, args.width)
    pipelines = {
        'ours': (
            our_pipeline(args.num_local),
            normalise if args.normalise else None,
        ),
        'paper': (paper_pipeline(args.num_local), None),
    }
    best = dict.fromkeys(pipelines, 0.0)
    for number in range(args.rounds):
        for name, (make, finish) in pipelines.items():
            found = rate(make, images, args.batch, finish)
            best[name] = max(best[name], found)
            print(f'round {number} {name:6}{found:9.1f} images/s', flush=True)
    planned, plans = plan_rate(images, args.batch, args.num_local)
    torch.set_num_threads(threads)
    result = {
        'images_per_second': round(best['ours'], 1),
        'paper_images_per_second': round(best['paper'], 1),
        'speedup': round(best['ours'] / best['paper'], 2),
        'planned_images_per_second': round(planned, 1),
        'device_images_per_second': round(device_rate(plans, args.device), 1),
        **vars(args),
        'jpeg_bytes': sum(map(len, images)) // len(images),
        'torch': torch.__version__,
        'opencv': cv2.__version__,
    }
    print(json.dumps(result))


if __name__ == '__main__':
    main()
