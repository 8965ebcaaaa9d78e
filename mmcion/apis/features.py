"""FeatureExtractor: images in, features out."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np
import PIL.Image
import torch
from mmengine.device import get_device
from mmengine.model import BaseModel
from torch import Tensor, nn
from torch.nn.functional import normalize as l2_normalize
from torch.utils.data import Dataset

from mmcion.datasets.transforms import build_pipeline
from mmcion.models import ReIDDataPreprocessor
from mmcion.models.utils import eval_mode, pooled_feature
from mmcion.models.weights import ModelSpec, evaluation_pipeline
from mmcion.models.weights.network_config import (
    DEFAULT_SIZE,
    class_name,
    resize_pipeline,
)
from mmcion.structures import FeatureStore, ReIDDataSample, TrackletTable
from mmcion.utils.checks import (
    UserError,
    check_at_least,
    check_choice,
    check_device,
    check_image_size,
)
from mmcion.utils.images import list_images
from mmcion.utils.io import hash_value
from mmcion.utils.memory import reuse_freed_memory
from mmcion.utils.progress import progress_bar

from .as_images import Images, as_images, is_path
from .extract import extract_features, image_loader
from .onnx_model import OnnxModel
from .zoo import get_model

_LONG = 1000  # images from which on a progress bar is welcome


class FeatureExtractor:
    """Turn images into features, with the model's own pre-processing.

    An image is resized to the model's input size (bicubic, antialiased) and
    normalised as its model file or config says. A file, an array and a tensor
    of the same pixels have the same feature, that of
    ``tools/extract_features.py``. On a CPU the process keeps freed memory, see
    ``reuse_freed_memory``.

    Args:
        model: What ``get_model`` opens or returns; an ONNX file of
            ``tools/export_model.py``, which onnxruntime runs on the CPU; or a
            module that maps ``(N, 3, H, W)``, in ImageNet's normalisation, to
            ``(N, d)`` or to maps, which are averaged. A module is in eval mode
            for each call only.
        device: Where to compute. If None, a module stays where it is, and
            others take the best device there is.
        pretrained: Weights of a name or a config, see ``get_model``.
        batch_size: Images per forward pass.
        num_workers: Processes that read files for a GPU, if there are several
            batches.
        image_size: Height and width in pixels; the model's own if None.
        pipeline: Transforms of an image file; the model's own if None.
        normalize: Whether features are scaled to length 1.
        custom_imports: See ``get_model``.

    Raises:
        UserError: If an argument is wrong, or the model's file is damaged.
        FileNotFoundError: If weights are missing; says how to get them.
    """

    def __init__(
        self,
        model: str | Path | nn.Module,
        device: str | torch.device | None = None,
        *,
        pretrained: bool | str | Path = True,
        batch_size: int = 64,
        num_workers: int = 2,
        image_size: tuple[int, int] | None = None,
        pipeline: Sequence[dict[str, Any]] | None = None,
        normalize: bool = True,
        custom_imports: bool = False,
    ) -> None:
        check_at_least(1, batch_size=batch_size)
        check_at_least(0, num_workers=num_workers)
        check_choice('normalize', normalize, (True, False))
        has_weights = isinstance(model, nn.Module) or _is_onnx(model)
        if has_weights and is_path(pretrained):
            raise UserError(
                f'an ONNX file or a module has weights; pretrained must be '
                f'left out, got {pretrained}.'
            )
        if isinstance(model, nn.Module):
            preprocessor = getattr(model, 'data_preprocessor', None)
            known = isinstance(preprocessor, ReIDDataPreprocessor)
            device = device or next(model.parameters(), torch.zeros(())).device
            network: Any = model if known else _Pooled(model)
        elif _is_onnx(model):
            network, device = OnnxModel(Path(model)), device or 'cpu'
        else:
            network = get_model(
                model, pretrained, custom_imports=custom_imports
            )
        self.device = check_device(device or get_device())
        if self.device.type == 'cpu':
            reuse_freed_memory()
        self.model = network.to(self.device)
        self.batch_size = batch_size
        self.num_workers = num_workers
        self.normalize = normalize
        pipeline = pipeline or image_pipeline(self.model)
        if not all(isinstance(each, Mapping) for each in pipeline):
            raise UserError(
                f'pipeline must be configs of transforms; got {pipeline!r}.'
            )
        self.pipeline = [dict(transform) for transform in pipeline]
        if image_size is not None:
            size = check_image_size(image_size)
            for transform in self.pipeline:
                if class_name(transform) == 'ResizeImage':
                    transform['size'] = size

    @property
    def spec(self) -> ModelSpec | None:
        """What the model's file says; None for other models."""
        return getattr(self.model, 'spec', None)

    @torch.inference_mode()
    def __call__(
        self, images: Images, *, channel_order: str | None = None
    ) -> np.ndarray:
        """Return the features of images, in their order.

        Args:
            images: A file; a folder (all images in it and below, sorted); an
                PIL image; an array ``(H, W, 3)`` or ``(N, H, W, 3)`` uint8; a
                tensor ``(3, H, W)`` or ``(N, 3, H, W)``, uint8 or in [0, 1];
                or any iterable of files, PIL images, arrays and tensors, such
                as an array of paths.
            channel_order: ``'rgb'``, or ``'bgr'`` as OpenCV reads. Required
                for arrays; tensors are ``'rgb'`` if None; others need none.

        Returns:
            ``(N, d)`` float32.

        Raises:
            FileNotFoundError: If a file is missing.
            UserError: If an image is damaged or of another kind.
        """
        items = as_images(images, channel_order)
        if not items:
            # (1, d) -> (0, d): d is known after a forward pass only
            blank = torch.zeros(3, *DEFAULT_SIZE, dtype=torch.uint8)
            return self([blank])[:0]
        # processes read files ahead; tensors are in memory already
        num_batches = -(-len(items) // self.batch_size)
        has_files = any(isinstance(item, str) for item in items)
        most_workers = num_batches - 1 if has_files else 0
        loader = image_loader(
            PreparedImages(items, self.pipeline),
            self.device,
            min(self.num_workers, most_workers),
            batch_size=self.batch_size,
        )
        bar = progress_bar(
            total=len(items),
            desc='features',
            unit='img',
            disable=len(items) < _LONG,
        )
        with eval_mode(self.model), bar:
            features = []
            for inputs in loader:
                data = self.model.data_preprocessor({'inputs': inputs})
                feats = self.model(data['inputs'], mode='tensor').float()
                feats = l2_normalize(feats) if self.normalize else feats
                features.append(feats.cpu())
                bar.update(len(inputs))
        return torch.cat(features).numpy()

    def extract_folder(
        self,
        folder: str | Path,
        out: str | Path,
        *,
        max_unreadable: int = 0,
        overwrite: bool = False,
    ) -> FeatureStore:
        """Write the features of a folder to disk, resuming if stopped.

        Args:
            folder: All images in it and below, sorted.
            out: Folder of the features.
            max_unreadable: Number of images that may be damaged; their
                features are zero.
            overwrite: Whether to replace other features.

        Returns:
            Store, memory-mapped. ``meta['names']`` are the files relative to
            ``meta['folder']``, in the order of the rows.

        Raises:
            FileNotFoundError: If there is no image.
            UserError: If more images are damaged, or ``out`` has features of
                other images or another model.
        """
        root = Path(folder).resolve()
        names = list_images(root)
        rows = np.arange(len(names))
        # one tracklet of all images: extraction is by row alone
        table = TrackletTable.from_columns(
            video_id=np.zeros_like(rows),
            tracklet_id=np.zeros_like(rows),
            frame=rows,
            path=[str(root / name) for name in names],
        )
        return extract_features(
            self.model,
            table,
            self.pipeline,
            out,
            meta={**self.identity(), 'folder': str(root), 'names': names},
            batch_size=self.batch_size,
            num_workers=self.num_workers,
            max_unreadable=max_unreadable,
            device=self.device,
            overwrite=overwrite,
        )

    def identity(self) -> dict[str, Any]:
        """Return what features depend on: weights, normalisation, pipeline.

        Weights and pipeline are hashes, the latter that of
        ``extract_features``.
        """
        digest = hashlib.sha256()
        for name, tensor in self.model.state_dict().items():
            # 0-d tensors have no view of bytes
            values = tensor.cpu().contiguous().reshape(-1).view(torch.uint8)
            digest.update(f'{name} {tuple(tensor.shape)}'.encode())
            digest.update(values.numpy().data)
        preprocessor = self.model.data_preprocessor
        return {
            'weights': digest.hexdigest(),
            'mean': preprocessor.mean.flatten().tolist(),
            'std': preprocessor.std.flatten().tolist(),
            'pipeline': hash_value(self.pipeline),
        }


def inference_model(
    model: nn.Module | str | Path,
    images: Images,
    *,
    channel_order: str | None = None,
) -> ReIDDataSample | list[ReIDDataSample]:
    """Extract features as the model returns them, as OpenMMLab does.

    A ``FeatureExtractor`` is quicker for many calls.

    Args:
        model: See ``FeatureExtractor``.
        images: See ``FeatureExtractor``.
        channel_order: See ``FeatureExtractor``.

    Returns:
        A sample with ``feature``, ``(d,)`` float32 on the CPU, and
        ``img_path`` if it was a file; a list of them if ``images`` is a list,
        a folder or a stack.
    """
    items = as_images(images, channel_order)
    extractor = FeatureExtractor(model, normalize=False)
    features = torch.from_numpy(extractor(items))
    samples = []
    for item, feature in zip(items, features, strict=True):
        meta = {'img_path': item} if isinstance(item, str) else {}
        samples.append(ReIDDataSample(metainfo=meta))
        samples[-1].feature = feature
    # a sample for one image, a list for whatever may hold several
    single = getattr(images, 'ndim', None) == 3
    single = single or isinstance(images, PIL.Image.Image)
    if is_path(images):
        single = not Path(images).is_dir()
    return samples[0] if single else samples


def image_pipeline(model: nn.Module) -> list[dict[str, Any]]:
    """Return a model's transforms, as its ``spec`` or ``cfg`` has them."""
    if isinstance(model, OnnxModel):
        return model.pipeline
    spec, cfg = getattr(model, 'spec', None), getattr(model, 'cfg', None)
    if spec is not None:
        return spec.pipeline
    if cfg is not None:
        return evaluation_pipeline(cfg)
    return resize_pipeline(DEFAULT_SIZE)


def input_size(model: nn.Module) -> tuple[int, int]:
    """Return height and width of the images that a model evaluates."""
    size = DEFAULT_SIZE
    for transform in image_pipeline(model):
        if class_name(transform) == 'ResizeImage':
            size = transform.get('size', DEFAULT_SIZE)
    return check_image_size(size)


def _is_onnx(model: Any) -> TypeGuard[str | Path]:
    return is_path(model) and Path(model).suffix.lower() == '.onnx'


class _Pooled(BaseModel):
    """Any network, with ImageNet's normalisation before it."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__(ReIDDataPreprocessor())
        self.network = network

    def forward(
        self, inputs: Tensor, data_samples: None = None, mode: str = 'tensor'
    ) -> Tensor:
        return pooled_feature(self.network(inputs))


class PreparedImages(Dataset):
    """Files and tensors after the transforms, as ``(3, h, w)`` uint8."""

    def __init__(
        self, items: list[str | Tensor], pipeline: Sequence[dict[str, Any]]
    ) -> None:
        self.items = items
        self.of_file = build_pipeline(pipeline)
        # a tensor is an image that has been read
        self.of_tensor = build_pipeline(
            [each for each in pipeline if class_name(each) != 'LoadImage']
        )

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, row: int) -> Tensor:
        item = self.items[row]
        if isinstance(item, str):
            return self.of_file({'img_path': item})['inputs']
        return self.of_tensor({'img': item})['inputs']
