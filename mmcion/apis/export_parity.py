"""Compare the features of an exported model with the original's."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity, interpolate

from mmcion.datasets.transforms import build_pipeline
from mmcion.utils.checks import UserError
from mmcion.utils.images import list_images

from .onnx_model import open_session

# by suffix
FORMATS = {'.onnx': 'onnx', '.pt': 'torchscript', '.pt2': 'torch-export'}
BATCHES = (1, 8)
MIN_COSINE = 0.9999


@dataclass(frozen=True)
class Parity:
    """Difference of features from those of the original model."""

    max_abs_diff: float
    max_abs_value: float  # of the original model
    min_cosine: float  # of the worst crop
    mean_cosine: float
    # of the two most similar crops by the original model: parity means
    # something only if it is lower than min_cosine
    cosine_between_crops: float

    def check(self, what: str) -> None:
        """Raise ``UserError`` if ``what`` gives other features, or might."""
        # so written, NaN fails too
        if not self.min_cosine >= MIN_COSINE:
            raise UserError(
                f'{what} gives other features: cosine {self.min_cosine:.6f}, '
                f'not {MIN_COSINE}; nothing was written.'
            )
        # the error must be a tenth of the difference between two crops
        if 1 - self.min_cosine > 0.1 * (1 - self.cosine_between_crops):
            raise UserError(
                f'{what} cannot be checked: crops are alike (cosine '
                f'{self.cosine_between_crops:.8f}). Are weights trained?'
            )


def compare_features(expected: Tensor, found: Tensor) -> Parity:
    """Compare features ``(N, d)`` of the same N crops."""
    assert expected.shape == found.shape, (expected.shape, found.shape)
    expected, found = expected.double(), found.double()
    cosine = cosine_similarity(expected, found)
    # (N, 1, d), (N, d) -> (N, N)
    between = cosine_similarity(expected[:, None], expected, dim=2)
    between.fill_diagonal_(-1)  # a crop and itself
    return Parity(
        max_abs_diff=(expected - found).abs().max().item(),
        max_abs_value=expected.abs().max().item(),
        min_cosine=cosine.min().item(),
        mean_cosine=cosine.mean().item(),
        cosine_between_crops=between.max().item(),
    )


def random_crops(
    height: int, width: int, number: int = sum(BATCHES), seed: int = 0
) -> Tensor:
    """Generate uint8 images ``(number, height, width, 3)``.

    Coarse patches of colour and fine noise: their features differ more than
    those of noise alone.
    """
    rng = torch.Generator().manual_seed(seed)
    coarse = torch.rand(number, 3, 8, 4, generator=rng)
    images = interpolate(coarse, (height, width), mode='bilinear')
    noise = torch.randn(number, 3, height, width, generator=rng)
    images = (images + 0.1 * noise).clamp(0, 1) * 255
    return images.round().byte().permute(0, 2, 3, 1).contiguous()


def read_crops(
    folder: str | Path, image_size: tuple[int, int], number: int = 65
) -> Tensor:
    """Read uint8 images ``(N, H, W, 3)``, spread evenly over a folder.

    Raises:
        FileNotFoundError: If there is no image.
        UnreadableImageError: If one is damaged; names it.
    """
    files = list_images(folder)
    prepare = build_pipeline(
        [{'type': 'LoadImage'}, {'type': 'ResizeImage', 'size': image_size}]
    )
    chosen = files[:: -(-len(files) // number)]
    images = [
        prepare({'img_path': str(Path(folder, name))})['img']
        for name in chosen
    ]
    # N of (3, H, W) -> (N, H, W, 3)
    return torch.stack(images).permute(0, 2, 3, 1).contiguous()


def in_batches(run: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    """Run a model on one image, then on batches of 8."""
    one, several = BATCHES
    parts = [images[:one], *images[one:].split(several)]
    with torch.no_grad():
        return torch.cat([run(part) for part in parts])


def open_exported(
    path: str | Path, file_format: str
) -> Callable[[Tensor], Tensor]:
    """Open an exported model; it maps a batch of images to features."""
    if file_format == 'torchscript':
        return torch.jit.load(path)
    if file_format == 'torch-export':
        # an open file, because torch insists on a suffix of its own
        with open(path, 'rb') as file, warnings.catch_warnings():
            warnings.simplefilter('ignore')  # it reads into bytes of its own
            return torch.export.load(file).module()
    session = open_session(path)
    name = session.get_inputs()[0].name

    def run(images: Tensor) -> Tensor:
        return torch.from_numpy(session.run(None, {name: images.numpy()})[0])

    return run
