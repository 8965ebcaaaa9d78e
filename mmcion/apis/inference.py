"""Models by config, in the manner of OpenMMLab."""

from __future__ import annotations

from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.model import BaseModel
from mmengine.utils import import_modules_from_strings
from torch import nn

from mmcion.models.utils import use_checkpoint
from mmcion.models.utils.model_file import read_checkpoint
from mmcion.registry import MODELS
from mmcion.structures import ReIDDataSample
from mmcion.utils.cli import read_config

from .feature_extractor import FeatureExtractor
from .image_inputs import Images, as_images


def init_model(
    config: str | Path | Config,
    checkpoint: str | Path | None = None,
    device: str | torch.device | None = None,
) -> BaseModel:
    """Build the model of a config, in eval mode.

    Its ``cfg`` is the config, whose test transforms ``FeatureExtractor`` and
    ``inference_model`` follow.

    Args:
        config: file, or what was read from it.
        checkpoint: weights of the backbone, and of the neck if there is one;
            see ``use_checkpoint``. Without, they are as the config says.
        device: where to put it; the best there is if None.

    Raises:
        FileNotFoundError: if a file is missing.
        ValueError: if the config has no model, or the checkpoint is damaged
            or does not fit.
    """
    cfg = config if isinstance(config, Config) else read_config(config)
    if 'model' not in cfg:
        raise ValueError(f'{config} has no model; it describes something else')
    if modules := cfg.get('custom_imports'):
        import_modules_from_strings(**modules)
    settings = dict(cfg.model)
    if checkpoint is not None:
        read_checkpoint(checkpoint)  # says what is wrong with a file
        use_checkpoint(settings, checkpoint)
    model = MODELS.build(settings)
    model.cfg = cfg
    return model.to(device or get_device()).eval()


def inference_model(
    model: nn.Module | str | Path,
    images: Images,
    *,
    channel_order: str | None = None,
) -> ReIDDataSample | list[ReIDDataSample]:
    """Extract features of images, as they come out of the model.

    For many calls make a ``FeatureExtractor`` once.

    Args:
        model: of ``init_model`` or ``get_model``, or what else
            ``FeatureExtractor`` takes.
        images: as for ``FeatureExtractor``.
        channel_order: as for ``FeatureExtractor``.

    Returns:
        A sample with ``feature``, ``(d,)`` float32 on the CPU, and
        ``img_path`` if it was a file; a list of them if ``images`` is a list,
        a folder or a stack.

    Raises:
        FileNotFoundError: if a file is missing.
        ValueError: if an image is damaged or of another kind.
    """
    items = as_images(images, channel_order)
    extractor = FeatureExtractor(model, normalize=False)
    features = torch.from_numpy(extractor(items))
    samples = []
    for item, feature in zip(items, features, strict=True):
        meta = {'img_path': item} if isinstance(item, str) else {}
        samples.append(ReIDDataSample(metainfo=meta))
        samples[-1].feature = feature
    return samples[0] if _is_single(images) else samples


def _is_single(images: Images) -> bool:
    if isinstance(images, str | Path):
        return not Path(images).is_dir()
    return getattr(images, 'ndim', None) == 3
