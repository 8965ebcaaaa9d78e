"""Plain formulations that benchmarks compare with: views and a training step.

Views are those of the paper with Pillow and torchvision, the step is the
published one written down straight: a loss for every pair, a host that waits
for the norm of every tensor and for the device, a teacher updated tensor by
tensor.
"""

import io
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from bench_loss import pairwise_loss
from PIL import Image, ImageFilter, ImageOps
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms as T

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
MAX_NORM, MOMENTUM, CENTER_MOMENTUM = 3.0, 0.996, 0.9
Views = list[Tensor]


def make_images(count: int, height: int, width: int) -> list[bytes]:
    """Return JPEGs of smooth colours with noise."""
    rng = np.random.default_rng(0)
    images = []
    for _ in range(count):
        coarse = rng.integers(0, 256, (24, 10, 3), np.uint8)
        size = (width, height)
        image = cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC)
        image = np.clip(image + rng.normal(0, 6, image.shape), 0, 255)
        quality = [cv2.IMWRITE_JPEG_QUALITY, 90]
        jpeg = cv2.imencode('.jpg', image.astype(np.uint8), quality)[1]
        images.append(jpeg.tobytes())
    return images


class Blur:
    """Pillow's Gaussian blur, sometimes."""

    def __init__(self, often: float) -> None:
        self.often = often

    def __call__(self, image: Image.Image) -> Image.Image:
        """Blur or not."""
        if random.random() >= self.often:
            return image
        radius = random.uniform(0.1, 2.0)
        return image.filter(ImageFilter.GaussianBlur(radius))


def solarize(image: Image.Image) -> Image.Image:
    """Solarise one of five."""
    return ImageOps.solarize(image) if random.random() < 0.2 else image


def paper_view(
    size: tuple[int, int], scale: tuple[float, float], *more: Callable
) -> Callable[[Image.Image], Tensor]:
    """Return the transform of one kind of view."""
    return T.Compose(
        [
            T.RandomResizedCrop(
                size, scale, (0.4, 0.6), T.InterpolationMode.BICUBIC
            ),
            T.RandomHorizontalFlip(0.5),
            T.RandomApply([T.ColorJitter(0.4, 0.4, 0.2, 0.1)], p=0.8),
            T.RandomGrayscale(0.2),
            *more,
            T.ToTensor(),
            T.Normalize(MEAN, STD),
        ]
    )


def paper_pipeline(
    num_local: int, height: int = 256
) -> Callable[[bytes], Views]:
    """Return the formulation with Pillow and torchvision.

    Args:
        num_local: number of local views.
        height: of global views, twice their width; local ones have half of
            both.
    """
    size, local_size = (height, height // 2), (height // 2, height // 4)
    first = paper_view(size, (0.8, 1.0), Blur(1.0))
    second = paper_view(size, (0.8, 1.0), Blur(0.1), solarize)
    local = paper_view(local_size, (0.05, 0.8), Blur(0.5))
    views = [first, second, *[local] * num_local]

    def make(content: bytes) -> Views:
        image = Image.open(io.BytesIO(content)).convert('RGB')
        return [view(image) for view in views]

    return make


class PaperImages(Dataset):
    """Views and identity of image files.

    Args:
        paths: of N files.
        pids: ``(N,)`` identities.
        make: the content of a file to its views.
    """

    def __init__(
        self,
        paths: list[Path],
        pids: np.ndarray,
        make: Callable[[bytes], Views],
    ) -> None:
        self.paths, self.pids, self.make = paths, pids, make

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, row: int) -> tuple[Views, int]:
        """Return the views of a row and its identity."""
        content = self.paths[row].read_bytes()
        return self.make(content), int(self.pids[row])


def paper_loader(
    folder: Path,
    make: Callable[[bytes], Views],
    batch: int,
    num_instances: int,
    workers: int,
) -> DataLoader:
    """Return batches of views and identities.

    Args:
        folder: with ``annotation`` and ``images``.
        make: the content of a file to its views.
        batch: B.
        num_instances: K.
        workers: number of processes.
    """
    from mmengine.dataset import DefaultSampler

    from mmcion.datasets.samplers import IdentitySampler
    from mmcion.structures import AnnotationTable

    table = AnnotationTable.load(folder / 'annotation')
    paths = [folder / 'images' / name.decode() for name in table.path]
    dataset = PaperImages(paths, np.asarray(table.pid), make)
    return DataLoader(
        dataset,
        batch_sampler=IdentitySampler(
            DefaultSampler(dataset, seed=0), batch, num_instances
        ),
        num_workers=workers,
        pin_memory=torch.cuda.is_available(),
        multiprocessing_context='fork',  # as mmengine's
    )


class PlainTraining:
    """The published step on one device, without DDP.

    Schedules only set numbers, so the learning rate is a constant here, and
    the prototypes train as they do after the first epoch.

    Args:
        student: views to logits ``(V, B, C)``, on its device.
        teacher: the same, with the same weights and without gradients.
        num_prototypes: C.
        num_instances: K.
        dtype: of autocast; float16 adds a loss scale, which the published
            clipping does not undo.
    """

    def __init__(
        self,
        student: nn.Module,
        teacher: nn.Module,
        num_prototypes: int,
        num_instances: int,
        dtype: torch.dtype,
    ) -> None:
        self.student, self.teacher = student, teacher
        self.num_instances, self.dtype = num_instances, dtype
        named = list(student.named_parameters())
        self.params = [p for _, p in named if p.requires_grad]
        flat = {id(p) for n, p in named if p.dim() == 1 or n.endswith('.bias')}
        decayed = [p for p in self.params if id(p) not in flat]
        others = [p for p in self.params if id(p) in flat]
        groups: list[dict[str, Any]] = [
            {'params': decayed},
            {'params': others, 'weight_decay': 0.0},
        ]
        self.optimizer = torch.optim.AdamW(groups, lr=1e-6, weight_decay=0.04)
        self.device = self.params[0].device.type
        self.center = torch.zeros(1, num_prototypes, device=self.device)
        self.scaler = torch.amp.GradScaler(
            self.device, enabled=dtype == torch.float16
        )

    def step(self, views: Views) -> float:
        """Train on normalised views ``(B, 3, h, w)``; return the loss."""
        views = [view.to(self.device, non_blocking=True) for view in views]
        with torch.autocast(self.device, self.dtype):
            teacher = self.teacher(views[:2])
            student = self.student(views)
            loss = pairwise_loss(
                student, teacher, self.center, self.num_instances
            )
        self._update_center(teacher)
        if not np.isfinite(loss.item()):
            raise FloatingPointError(f'the loss is {loss.item()}')
        self.optimizer.zero_grad()
        self.scaler.scale(loss).backward()
        self._clip()
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self._update_teacher()
        if self.device == 'cuda':
            torch.cuda.synchronize()
        return loss.item()

    @torch.no_grad()
    def _clip(self) -> None:
        for parameter in self.params:
            if parameter.grad is not None:
                norm = parameter.grad.norm().item()
                if norm > MAX_NORM:
                    parameter.grad.mul_(MAX_NORM / (norm + 1e-6))

    @torch.no_grad()
    def _update_center(self, teacher: Tensor) -> None:
        mean = teacher.flatten(0, 1).float().mean(0, keepdim=True)
        self.center = self.center * CENTER_MOMENTUM + mean * (
            1 - CENTER_MOMENTUM
        )

    @torch.no_grad()
    def _update_teacher(self) -> None:
        pairs = zip(
            self.teacher.parameters(), self.student.parameters(), strict=True
        )
        for kept, new in pairs:
            kept.mul_(MOMENTUM).add_((1 - MOMENTUM) * new)
