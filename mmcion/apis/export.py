"""Models for other runtimes, each compared with the original."""

from __future__ import annotations

import importlib
import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from mmengine.model import BaseModel
from timm.utils.model import reparameterize_model
from torch import Tensor, nn
from torch.nn.functional import normalize

from mmcion.datasets.transforms import ResizeImage
from mmcion.models.weights.model_file import refuse_same_file
from mmcion.models.weights.network_config import resize_rule
from mmcion.utils.checks import (
    UserError,
    check_choice,
    check_image_size,
    optional_import,
)
from mmcion.utils.io import atomic_file, hash_file, write_json
from mmcion.version import __version__

from .export_parity import (
    BATCHES,
    FORMATS,
    compare_features,
    in_batches,
    open_exported,
    random_crops,
)
from .features import image_pipeline
from .onnx_model import METADATA
from .resize_images import resize_images
from .tracker_input import TrackerInput

_OPSET = 18  # the first with all that VOLO needs
# what the description has of a model file
_SPEC = (
    *('arch', 'backbone', 'neck', 'neck_feat', 'flip_test', 'statistics'),
    *('threshold', 'source', 'source_sha256', 'training_config', 'notes'),
)
_PACKAGES = ('onnx', 'onnxruntime', 'onnxscript')


class DeployedModel(nn.Module):
    """A copy of a model in eval mode on the CPU, from images to features.

    Args:
        model: Model with a ``ReIDDataPreprocessor``; returns ``(N, d)``.
        with_preprocess: Whether to take uint8 RGB images ``(N, H, W, 3)``, as
            decoders return them. Otherwise float RGB images ``(N, 3, H, W)``
            that are normalised already.
        l2_norm: Whether features are scaled to length 1.
        resize_to: Height and width to which images are resized first, as
            ``ResizeImage`` of the model does; None to leave them as they
            are. Needs ``with_preprocess`` or ``tracker_input``.
        tracker_input: What a tracker makes of images, which is undone first.
    """

    pixel_mean: Tensor
    pixel_std: Tensor

    def __init__(
        self,
        model: BaseModel,
        *,
        with_preprocess: bool = False,
        l2_norm: bool = False,
        resize_to: tuple[int, int] | None = None,
        tracker_input: TrackerInput | None = None,
    ) -> None:
        super().__init__()
        self.model = deepcopy(model).cpu().float().eval()
        self.requires_grad_(False)
        self.with_preprocess = with_preprocess
        self.l2_norm = l2_norm or tracker_input is not None
        self.resize_to = resize_to
        self.tracker_input = tracker_input
        self.resize = resize_rule(image_pipeline(model))
        # from images in [0, 1] to bytes; a "mean" would be taken for that of
        # a network by ONNX, which has one space for all names
        preprocessor = model.data_preprocessor
        self.register_buffer('pixel_mean', preprocessor.mean.cpu() * 255)
        self.register_buffer('pixel_std', preprocessor.std.cpu() * 255)

    def forward(self, images: Tensor) -> Tensor:
        """Map images to features ``(N, d)``."""
        if self.tracker_input:
            images = self.tracker_input.to_levels(images)
        elif self.with_preprocess:
            # (N, H, W, 3) -> (N, 3, H, W)
            images = images.permute(0, 3, 1, 2)
        if self.resize_to:
            images = resize_images(
                images, self.resize_to, self.resize['interpolation']
            )
        if self.tracker_input or self.with_preprocess:
            images = (images.float() - self.pixel_mean) / self.pixel_std
        feats = self.model(images)
        return normalize(feats) if self.l2_norm else feats

    def fuse(self) -> bool:
        """Fuse parallel branches, as of RepViT; return if there were any."""
        # timm does not say whether it fused anything
        before = sum(tensor.numel() for tensor in self.parameters())
        reparameterize_model(self.model, inplace=True)
        self.requires_grad_(False)
        return before != sum(tensor.numel() for tensor in self.parameters())


def export_model(
    model: BaseModel,
    out: str | Path,
    *,
    image_size: tuple[int, int] = (256, 128),
    with_preprocess: bool = False,
    with_resize: bool = False,
    l2_norm: bool = False,
    int8: bool = False,
    tracker: str | None = None,
    crops: Tensor | None = None,
    weights_file: str | Path | None = None,
) -> dict[str, Any]:
    """Write a model for another runtime, with branches fused, and check it.

    The features of the file, read by its runtime, must have a cosine of at
    least 0.9999 to those of ``model``, one image at a time and in batches of
    8; otherwise nothing is written. ``<out>.json`` beside it describes input,
    resize, normalisation, threshold, hashes and what was measured. All but
    the last two are in the file's metadata too, under ``METADATA``.

    Args:
        model: ``model(inputs)`` returns ``(N, d)``, such as ``get_model``'s.
        out: File to write: ``.onnx``, ``.pt`` (TorchScript) or ``.pt2``
            (torch.export).
        image_size: Height and width in pixels; the file takes no other. The
            number of images is free.
        with_preprocess: See ``DeployedModel``.
        with_resize: Whether the file takes uint8 images of any one size, and
            resizes them itself; implies ``with_preprocess``.
        l2_norm: See ``DeployedModel``.
        int8: Whether to write ``<stem>.int8.onnx`` too, with weights and
            activations of 8 bits. Its difference is measured, not limited.
        tracker: ``'boxmot'`` or ``'ultralytics'``, which load the ``.onnx``
            file as it is. It takes images as that program prepares them (see
            ``TrackerInput``), resizes and normalises them for the model, and
            gives features of length 1.
        crops: uint8 RGB images ``(N, H, W, 3)`` to compare with; generated
            ones if None.
        weights_file: File that ``model`` was loaded from; its hash is noted.

    Returns:
        Content of ``<out>.json``.

    Raises:
        UserError: If the file gives other features, or an option is wrong.
        MissingPackageError: If packages of ONNX are missing.
    """
    out = Path(out)
    if weights_file is not None:
        weights_file = Path(weights_file).expanduser()
    image_size = check_image_size(image_size)
    file_format = _check_options(out, int8 or bool(tracker), weights_file)
    tracker_input = TrackerInput(tracker, image_size) if tracker else None
    if tracker_input:
        tracker_input.check_name(out)
        if with_preprocess or with_resize:
            raise UserError(
                f'{tracker} prepares images in its own way, which the file '
                'undoes: leave out the preprocess and resize options.'
            )
    images = random_crops(*image_size) if crops is None else crops
    # one alone and a batch, so that a fixed batch size would be noticed
    found = (images.dtype, min(len(images), sum(BATCHES)), *images.shape[1:])
    if found != (torch.uint8, sum(BATCHES), *image_size, 3):
        raise UserError(
            f'crops must be uint8 (N, H, W, 3), N at least {sum(BATCHES)}, of '
            f'{image_size}; got {images.dtype} {tuple(images.shape)}.'
        )
    deployed = DeployedModel(
        model,
        with_preprocess=with_preprocess or with_resize,
        l2_norm=l2_norm,
        resize_to=image_size if with_resize or tracker_input else None,
        tracker_input=tracker_input,
    )
    raw = images
    if deployed.resize_to:
        # larger, and of other proportions, so that it has something to do
        size = (2 * image_size[0], 3 * image_size[1])
        size = tracker_input.size if tracker_input else size
        raw = _resize(images, size, deployed.resize)
        images = _resize(raw, image_size, deployed.resize)
    # (N, H, W, 3) -> (N, 3, H, W)
    normalised = images.permute(0, 3, 1, 2).contiguous()
    normalised = model.data_preprocessor({'inputs': normalised})['inputs']
    inputs = raw if deployed.with_preprocess else normalised.cpu()
    if tracker_input:
        inputs = tracker_input.from_levels(raw.permute(0, 3, 1, 2))
    # the model as it is, with its branches and on its device: (N, d)
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    expected = in_batches(
        lambda part: model(part.to(device)).cpu(), normalised
    )
    model.train(was_training)
    expected = normalize(expected) if deployed.l2_norm else expected
    report = {
        'format': file_format,
        'opset': _OPSET if file_format == 'onnx' else None,
        **_description(model, deployed, image_size, weights_file),
        'fused': deployed.fuse(),
    }
    report['output']['dimensions'] = expected.shape[1]
    # first without a runtime, to know what made a difference
    fusion = compare_features(expected, in_batches(deployed, inputs))
    fusion.check('the model with fused branches')
    _, description, *small_files = output_files(out, int8)
    # the name appears only if the features are right
    with atomic_file(out) as temporary:
        _write(deployed, inputs[:2], temporary, report)
        run = open_exported(temporary, file_format)
        parity = compare_features(expected, in_batches(run, inputs))
        parity.check(f'the {file_format} file')
        report |= {
            'file': out.name,
            'sha256': hash_file(temporary),
            'parity': {
                'crops': len(images),
                'made_up_crops': crops is None,
                'batches': list(BATCHES),
                **asdict(parity),
                'fusion_max_abs_diff': fusion.max_abs_diff,
            },
        }
        for small in small_files:
            report['int8'] = _quantise(temporary, small, inputs, expected)
    write_json(description, report)
    return report


def output_files(out: Path, int8: bool) -> list[Path]:
    """Return the file, its description and, if wanted, that of 8 bits."""
    names = [out.name, f'{out.name}.json', f'{out.stem}.int8.onnx']
    return [out.with_name(name) for name in names[: 2 + int8]]


def _resize(
    images: Tensor, size: tuple[int, int], rule: dict[str, Any]
) -> Tensor:
    """Resize images ``(N, H, W, 3)`` as ``ResizeImage`` does."""
    resize = ResizeImage(size, rule['interpolation'])
    planes = resize({'img': images.permute(0, 3, 1, 2)})['img']
    return planes.permute(0, 2, 3, 1).contiguous()


def _check_options(out: Path, onnx: bool, weights_file: Path | None) -> str:
    """Return the format of a file to write."""
    refuse_same_file(out, weights_file)
    if onnx and out.suffix != '.onnx':
        raise UserError(f'int8 and trackers need a file .onnx; got {out}.')
    check_choice(f'suffix of {out}', out.suffix, FORMATS)
    file_format = FORMATS[out.suffix]
    with optional_import('ONNX', "pip install 'mmcion[export]'"):
        for name in _PACKAGES if file_format == 'onnx' else ():
            importlib.import_module(name)
    return file_format


def _write(
    model: DeployedModel, example: Tensor, path: Path, about: dict[str, Any]
) -> None:
    """Write a model in the format of its description, which it carries."""
    file_format, text = about['format'], json.dumps(about)
    with _quiet(), torch.no_grad():
        if file_format == 'torchscript':
            traced = torch.jit.trace(model, example, check_trace=False)
            traced.save(str(path), _extra_files={METADATA: text})
            return
        # the number of images is free, and their size if it is resized
        shapes = ({0: torch.export.Dim('batch')},)
        if model.resize_to and not model.tracker_input:
            shapes[0].update(
                {
                    axis: torch.export.Dim(name, min=2, max=1 << 14)
                    for axis, name in ((1, 'height'), (2, 'width'))
                }
            )
        program = torch.export.export(model, (example,), dynamic_shapes=shapes)
        if file_format == 'torch-export':
            # an open file, because torch insists on a suffix of its own
            with open(path, 'wb') as file:
                torch.export.save(program, file, extra_files={METADATA: text})
            return
        exported: Any = torch.onnx.export(
            program,
            (example,),
            dynamic_shapes=shapes,
            dynamo=True,
            opset_version=_OPSET,
            input_names=['images'],
            output_names=['features'],
            verbose=False,
        )
        exported.model.metadata_props[METADATA] = text
        if model.tracker_input:
            exported.model.metadata_props.update(
                model.tracker_input.metadata()
            )
        exported.save(path, external_data=False)  # one file, with weights


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence torch's and onnxruntime's advice to authors of models."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            yield
    finally:
        logging.disable(level)


def _quantise(
    path: Path, out: Path, inputs: Tensor, expected: Tensor
) -> dict[str, Any]:
    """Write an ONNX file of 8 bits, and measure its difference."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with atomic_file(out) as temporary:
        with _quiet():
            # onnxruntime has no convolution of signed weights on CPUs
            quantize_dynamic(path, temporary, weight_type=QuantType.QUInt8)
        run = open_exported(temporary, 'onnx')
        parity = compare_features(expected, in_batches(run, inputs))
        digest = hash_file(temporary)
    return {'file': out.name, 'sha256': digest, **asdict(parity)}


def _description(
    model: BaseModel,
    deployed: DeployedModel,
    image_size: tuple[int, int],
    weights_file: Path | None,
) -> dict[str, Any]:
    """Describe input, output and origin of the weights."""
    spec = getattr(model, 'spec', None)  # a config alone has none
    raw = deployed.with_preprocess
    mean, std = (
        [round(value, 6) for value in (levels.flatten() / 255).tolist()]
        for levels in (deployed.pixel_mean, deployed.pixel_std)
    )
    resize = deployed.resize
    if tracker_input := deployed.tracker_input:
        # what the tracker does is what any other program has to do
        image_size, resize = tracker_input.size, tracker_input.RESIZE
        mean, std = list(tracker_input.mean), list(tracker_input.std)
    return {
        **{key: getattr(spec, key, None) for key in _SPEC},
        'input_size': list(image_size),
        'input': {
            'name': 'images',
            'layout': 'NHWC' if raw else 'NCHW',
            'dtype': 'uint8' if raw else 'float32',
            'channel_order': 'RGB',
            # normalising is (value / 255 - mean) / std, of each channel
            'value_range': [0, 255] if raw else 'normalised',
            'normalised_inside': raw,
            'resized_inside': deployed.resize_to is not None,
        },
        # as Pillow does on whole levels; OpenCV has no such filter
        'resize': resize,
        'tracker': tracker_input and tracker_input.tracker,
        'value_scale': 1 / 255,  # before mean and std
        'mean': mean,
        'std': std,
        'output': {
            'name': 'features',
            'l2_norm': deployed.l2_norm,
            'similarity': 'cosine',
        },
        'weights_sha256': hash_file(weights_file) if weights_file else None,
        'versions': {'mmcion': __version__, 'torch': str(torch.__version__)},
    }
