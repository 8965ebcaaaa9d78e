"""FeatureExtractor: images in, features out."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.device import get_device
from mmengine.model import BaseModel
from torch import Tensor, nn
from torch.nn.functional import normalize as l2_normalize
from torch.utils.data import DataLoader, Dataset

from mmcion.datasets.transforms import build_pipeline
from mmcion.models import ReIDDataPreprocessor
from mmcion.models.utils import pooled_feature
from mmcion.structures import FeatureStore, TrackletTable
from mmcion.utils.io import hash_value
from mmcion.utils.progress import progress_bar

from .extract import extract_features
from .image_inputs import Images, as_images, check_image_size, list_images
from .model_zoo import get_model, load_model

DEFAULT_SIZE = (256, 128)
_WEIGHT_FILES = ('.pth', '.pt', '.bin', '.tar')
_LONG = 1000  # images from which on a progress bar is welcome


class FeatureExtractor:
    """Turn images into features, with the model's own pre-processing.

    An image is resized to the model's input size (bicubic, antialiased) and
    normalised as its model file says; it gives the feature that
    ``tools/extract_features.py`` gives, however it is handed over.

    Args:
        model: name in the zoo, path of a model file, or a module: what
            ``get_model`` and ``init_model`` return, or any other that maps
            ``(N, 3, H, W)``, in ImageNet's normalisation, to ``(N, d)`` or
            to maps, which are averaged. A module is put into eval mode.
        device: where to compute. If None, a module stays where it is, and
            others take the best device there is.
        pretrained: weights of a model of the zoo, see ``get_model``; must be
            False for random ones.
        batch_size: images per forward pass.
        num_workers: processes that read files, where there are many.
        image_size: height and width in pixels; the model's own if None.
        normalize: give features the length 1.

    Raises:
        ValueError: if the model is not known or its file not sound, or for
            an ``image_size`` that is no size.
        FileNotFoundError: if there is no such file, or the zoo's weights are
            not on this machine; says how to get them.
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
        normalize: bool = True,
    ) -> None:
        if batch_size < 1:
            raise ValueError(f'batch_size ({batch_size}) must be at least 1')
        if isinstance(model, nn.Module):
            network, default = _with_preprocessor(model), _device_of(model)
        else:
            network, default = _by_name(model, pretrained), get_device()
        self.device = torch.device(device or default)
        self.model = network.to(self.device).eval()
        self.batch_size = batch_size
        self.num_workers = num_workers
        self.normalize = normalize
        self.pipeline = image_pipeline(self.model, image_size)

    @property
    def meta(self) -> dict[str, Any]:
        """What the model's file says; empty without one."""
        return getattr(self.model, 'meta', {})

    def __call__(
        self, images: Images, *, channel_order: str | None = None
    ) -> np.ndarray:
        """Return the features of images, in their order.

        Args:
            images: a file, a folder (all images in it and below, sorted), an
                array ``(H, W, 3)`` or ``(N, H, W, 3)`` uint8, a tensor
                ``(3, H, W)`` or ``(N, 3, H, W)``, uint8 or in [0, 1], or a
                list of files, arrays or tensors.
            channel_order: ``'rgb'`` or ``'bgr'``; see ``as_images``.

        Returns:
            ``(N, d)`` float32.

        Raises:
            FileNotFoundError: if a file is missing.
            ValueError: if an image is damaged or of another kind.
        """
        items = as_images(images, channel_order)
        if not items:
            blank = torch.zeros(3, *DEFAULT_SIZE, dtype=torch.uint8)
            return self([blank])[:0]
        files = isinstance(items[0], str)
        batches = -(-len(items) // self.batch_size)
        loader = DataLoader(
            PreparedImages(items, self.pipeline),
            batch_size=self.batch_size,
            num_workers=min(self.num_workers, batches - 1) if files else 0,
        )
        with progress_bar(
            total=len(items),
            desc='features',
            unit='img',
            disable=len(items) < _LONG,
        ) as bar:
            features = []
            for inputs in loader:
                features.append(self._features(inputs))
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
        """Write the features of a folder of any size to the disk.

        A second call goes on where the first was stopped.

        Args:
            folder: all images in it and below, sorted.
            out: folder of the features.
            max_unreadable: so many images may be damaged; their features
                are zero.
            overwrite: Whether to replace features of other images or
                another model.

        Returns:
            Store, memory-mapped. ``meta['names']`` are the files relative to
            ``meta['folder']``, in the order of the rows.

        Raises:
            FileNotFoundError: if there is no image.
            ValueError: if more images are damaged.
        """
        root = Path(folder).resolve()
        paths = list_images(root)
        rows = np.arange(len(paths))
        table = TrackletTable.from_columns(
            video_id=np.zeros_like(rows),
            tracklet_id=np.zeros_like(rows),
            frame=rows,
            path=[str(path) for path in paths],
        )
        return extract_features(
            self.model,
            table,
            self.pipeline,
            out,
            meta={
                **self.identity(),
                'folder': str(root),
                'names': [path.relative_to(root).as_posix() for path in paths],
            },
            batch_size=self.batch_size,
            num_workers=self.num_workers,
            max_unreadable=max_unreadable,
            device=self.device,
            overwrite=overwrite,
        )

    def identity(self) -> dict[str, Any]:
        """Return what features depend on: weights, normalisation, pipeline.

        The last is a hash, the one that ``extract_features`` notes.
        """
        digest = hashlib.sha256()
        for name, tensor in self.model.state_dict().items():
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

    @torch.inference_mode()
    def _features(self, inputs: Tensor) -> Tensor:
        data = self.model.data_preprocessor({'inputs': inputs})
        feats = self.model(data['inputs'], mode='tensor').float()
        return (l2_normalize(feats) if self.normalize else feats).cpu()


def image_pipeline(
    model: nn.Module, image_size: tuple[int, int] | None = None
) -> list[dict[str, Any]]:
    """Return the transforms of a model's test images.

    Those of its config, where it has some; else a resize to the size of the
    global views in the config's ``MultiCrop``, or that its model file names.

    Args:
        model: may have ``cfg`` or ``meta``.
        image_size: replaces height and width.

    Raises:
        ValueError: if ``image_size`` is not two positive whole numbers.
    """
    if image_size is not None:
        image_size = check_image_size(image_size)
    cfg = getattr(model, 'cfg', None)
    if cfg is not None and 'test_dataloader' in cfg:
        pipeline = [
            dict(each) for each in cfg.test_dataloader.dataset.pipeline
        ]
    else:
        size = _size_of_views(cfg or {}) or getattr(model, 'meta', {}).get(
            'input_size', DEFAULT_SIZE
        )
        pipeline = [
            {'type': 'mmcion.LoadImage'},
            {'type': 'mmcion.ResizeImage', 'size': size},
            {'type': 'mmcion.PackReIDInputs'},
        ]
    for transform in pipeline:
        if image_size and _is(transform, 'ResizeImage'):
            transform['size'] = image_size
    return pipeline


def pipeline_hashes(pipeline: Sequence[dict[str, Any]]) -> list[str]:
    """Return the hashes of a pipeline with short and with long names."""
    return [
        hash_value(
            [{**each, 'type': prefix + _type_name(each)} for each in pipeline]
        )
        for prefix in ('', 'mmcion.')
    ]


def _size_of_views(cfg: Mapping[str, Any]) -> tuple[int, int] | None:
    """Return the size of global views in training, if there are some."""
    loader = cfg.get('train_dataloader') or {}
    for transform in loader.get('dataset', {}).get('pipeline', []):
        if _is(transform, 'MultiCrop'):
            return transform.get('global_size', DEFAULT_SIZE)
    return None


def _is(transform: dict[str, Any], name: str) -> bool:
    return _type_name(transform) == name


def _type_name(transform: dict[str, Any]) -> str:
    kind = transform['type']
    kind = kind if isinstance(kind, str) else kind.__name__
    return kind.removeprefix('mmcion.')


def _by_name(model: str | Path, pretrained: bool | str | Path) -> BaseModel:
    if not isinstance(model, str | Path):
        raise ValueError(
            f'model must be a name, a path or a module; got {model!r}'
        )
    path = Path(model).expanduser()
    if path.suffix == '.py':
        raise ValueError(
            f'{model} is a config: FeatureExtractor(init_model(config, '
            f'checkpoint)) takes the model that it describes.'
        )
    # names may have dots, as ghostnet_0.5x has
    if path.suffix in _WEIGHT_FILES or path.is_file():
        return load_model(path)
    return get_model(str(model), pretrained)


def _device_of(model: nn.Module) -> torch.device:
    parameter = next(model.parameters(), None)
    return torch.device('cpu') if parameter is None else parameter.device


def _with_preprocessor(model: nn.Module) -> BaseModel:
    preprocessor = getattr(model, 'data_preprocessor', None)
    if isinstance(model, BaseModel) and isinstance(
        preprocessor, ReIDDataPreprocessor
    ):
        return model
    return _Pooled(model)


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
        self.of_tensor = build_pipeline(
            [each for each in pipeline if not _is(each, 'LoadImage')]
        )

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, row: int) -> Tensor:
        item = self.items[row]
        if isinstance(item, str):
            return self.of_file({'img_path': item})['inputs']
        return self.of_tensor({'img': item})['inputs']
