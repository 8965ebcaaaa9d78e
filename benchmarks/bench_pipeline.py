"""Measure what a worker does with an image: decode, cut views, batch them.

Example::

    python benchmarks/bench_pipeline.py --images 400 --batch 40

Ours is ``LoadImage`` and ``MultiCrop`` with 2 + 8 views. Beside it stands the
formulation of the paper with Pillow and torchvision, which ends in normalised
floats; ours leaves that to the device, and ``--normalise`` adds it. Images are
made up, as JPEG, of the size of person images. One thread; the two take turns
and the best round of each counts. The last line of output is JSON.
"""

import argparse
import json
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import torch
from plain_forms import MEAN, STD, Views, make_images, paper_pipeline
from torch import Tensor

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))


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
    return parser.parse_args()


def our_pipeline(num_local: int) -> Callable[[bytes], Views]:
    """Return what configs use."""
    from mmcion.datasets.transforms import LoadImage, MultiCrop

    load, crop = LoadImage(), MultiCrop(num_local=num_local)

    def make(content: bytes) -> Views:
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


def decode_rate(images: list[bytes]) -> float:
    """Return images per second of decoding alone."""
    from mmcion.datasets.transforms import LoadImage

    load = LoadImage()
    start = time.process_time()
    for image in images:
        load({'img_path': '', 'img_bytes': image})
    return len(images) / (time.process_time() - start)


def main() -> None:
    """Measure and print."""
    args = parse_args()
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
    result = {
        'images_per_second': round(best['ours'], 1),
        'paper_images_per_second': round(best['paper'], 1),
        'speedup': round(best['ours'] / best['paper'], 2),
        'decode_images_per_second': round(decode_rate(images), 1),
        **vars(args),
        'jpeg_bytes': sum(map(len, images)) // len(images),
        'torch': torch.__version__,
        'opencv': cv2.__version__,
    }
    print(json.dumps(result))


if __name__ == '__main__':
    main()
