"""Models for other runtimes, each compared with the original."""

from __future__ import annotations

import importlib
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from mmengine.model import BaseModel
from torch import Tensor
from torch.nn.functional import normalize

from mmcion.utils.io import atomic_file, hash_file, write_json
from mmcion.version import __version__

from .deployed_model import DeployedModel
from .export_parity import (
    BATCHES,
    FORMATS,
    Parity,
    compare_features,
    in_batches,
    open_exported,
    random_crops,
)
from .image_inputs import check_image_size

_OPSET = 18  # the first with all that VOLO needs
_PACKAGES = ('onnx', 'onnxruntime', 'onnxscript')


def export_model(
    model: BaseModel,
    out: str | Path,
    *,
    file_format: str = 'onnx',
    image_size: tuple[int, int] = (256, 128),
    with_preprocess: bool = False,
    l2_norm: bool = False,
    int8: bool = False,
    crops: Tensor | None = None,
    weights_file: str | Path | None = None,
) -> dict[str, Any]:
    """Write a model for another runtime, with branches fused, and check it.

    The features of the file, read by its runtime, must have a cosine of at
    least 0.9999 to those of ``model``, one image at a time and in batches of
    8. Nothing is written otherwise. ``<out>.json`` beside it says how to use
    it: input, normalisation, hashes, and what was measured.

    Args:
        model: ``model(inputs)`` gives ``(N, d)``, such as ``get_model``'s.
        out: file to write.
        file_format: ``'onnx'``, ``'torchscript'`` or ``'torch-export'``.
        image_size: height and width in pixels; the file takes no other. The
            number of images is free.
        with_preprocess: take uint8 RGB images ``(N, H, W, 3)``, and normalise
            them inside. Without, float RGB images ``(N, 3, H, W)`` that are
            normalised already.
        l2_norm: give features of length 1.
        int8: write ``<stem>.int8.onnx`` too, of weights and activations with
            8 bits. How far it is from the original is measured, not judged.
        crops: uint8 RGB images ``(N, H, W, 3)`` to compare with; made-up ones
            if None.
        weights_file: where ``model`` was loaded from; its hash is noted, and
            ``out`` must be another file.

    Returns:
        What ``<out>.json`` holds.

    Raises:
        ValueError: if the file gives other features, or for an option that
            is not possible.
        ImportError: if packages are missing; says how to install them.
    """
    out = Path(out)
    if weights_file is not None:
        weights_file = Path(weights_file).expanduser()
    _check_options(out, file_format, int8, weights_file)
    image_size = check_image_size(image_size)
    images = random_crops(*image_size) if crops is None else crops
    _check_crops(images, image_size)
    deployed = DeployedModel(
        model, with_preprocess=with_preprocess, l2_norm=l2_norm
    )
    expected = _expected_features(model, images, l2_norm)
    inputs = images if with_preprocess else _normalised(model, images)
    report = _description(model, deployed, image_size, weights_file)
    report['fused'] = deployed.fuse()
    fusion = compare_features(expected, in_batches(deployed, inputs))
    fusion.check('the model with fused branches')
    with atomic_file(out) as temporary:
        _write(deployed, inputs[:2], temporary, file_format)
        parity = _measure(temporary, file_format, inputs, expected)
        parity.check(f'the {file_format} file')
        report |= {
            'file': out.name,
            'format': file_format,
            'opset': _OPSET if file_format == 'onnx' else None,
            'sha256': hash_file(temporary),
            'parity': {
                'crops': len(images),
                'made_up_crops': crops is None,
                'batches': list(BATCHES),
                **asdict(parity),
                'fusion_max_abs_diff': fusion.max_abs_diff,
            },
        }
        if int8:
            small = out.with_name(f'{out.stem}.int8.onnx')
            report['int8'] = _quantise(temporary, small, inputs, expected)
    write_json(out.with_name(f'{out.name}.json'), report)
    return report


def _check_options(
    out: Path, file_format: str, int8: bool, weights_file: Path | None
) -> None:
    if out.is_dir():
        raise ValueError(f'{out} is a folder; name a file to write.')
    if weights_file and out.exists() and out.samefile(weights_file):
        raise ValueError(
            f'{out} is the file that the weights are read from; give another '
            f'to write.'
        )
    if file_format not in FORMATS:
        raise ValueError(
            f'file_format must be one of {", ".join(FORMATS)}; got '
            f'{file_format!r}'
        )
    if file_format == 'onnx':
        check_export_packages()
    elif int8:
        raise ValueError(f"int8 needs file_format='onnx'; got {file_format!r}")


def check_export_packages() -> None:
    """Import what ONNX needs.

    Raises:
        ImportError: if a package is missing; says how to install it.
    """
    for name in _PACKAGES:
        try:
            importlib.import_module(name)
        except ImportError as error:
            raise ImportError(
                f'ONNX needs {", ".join(_PACKAGES)}, and {name} cannot be '
                f"imported ({error}). Run: pip install 'mmcion[export]'"
            ) from error


def _check_crops(images: Tensor, image_size: tuple[int, int]) -> None:
    wanted = (*image_size, 3)
    if images.shape[1:] != wanted or images.dtype != torch.uint8:
        raise ValueError(
            f'crops must be uint8 (N, {", ".join(map(str, wanted))}); got '
            f'{images.dtype} {tuple(images.shape)}'
        )
    if len(images) < sum(BATCHES):
        raise ValueError(
            f'at least {sum(BATCHES)} crops are needed, to try one alone and '
            f'a batch of {max(BATCHES)}; got {len(images)}'
        )


def _normalised(model: BaseModel, images: Tensor) -> Tensor:
    """Return float images ``(N, 3, H, W)`` as the toolbox makes them."""
    inputs = images.permute(0, 3, 1, 2).contiguous()
    return model.data_preprocessor({'inputs': inputs})['inputs'].cpu()


def _expected_features(
    model: BaseModel, images: Tensor, l2_norm: bool
) -> Tensor:
    """Return features ``(N, d)`` by the model itself, branches and all."""
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    inputs = _normalised(model, images)
    feats = in_batches(lambda part: model(part.to(device)).cpu(), inputs)
    model.train(was_training)
    return normalize(feats) if l2_norm else feats


def _measure(
    path: Path, file_format: str, inputs: Tensor, expected: Tensor
) -> Parity:
    """Compare the features that a file gives with the expected ones."""
    run = open_exported(path, file_format)
    return compare_features(expected, in_batches(run, inputs))


def _write(
    model: DeployedModel, example: Tensor, path: Path, file_format: str
) -> None:
    """Write a model in one of the formats."""
    with _quiet(), torch.no_grad():
        if file_format == 'torchscript':
            traced = torch.jit.trace(model, example, check_trace=False)
            traced.save(str(path))
            return
        batch = torch.export.Dim('batch')
        program = torch.export.export(
            model, (example,), dynamic_shapes=({0: batch},)
        )
        if file_format == 'torch-export':
            with open(path, 'wb') as file:  # whatever the name ends in
                torch.export.save(program, file)
            return
        torch.onnx.export(
            program,
            (example,),
            path,
            dynamic_shapes=({0: batch},),
            dynamo=True,
            opset_version=_OPSET,
            input_names=['images'],
            output_names=['features'],
            external_data=False,
            verbose=False,
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence what torch and onnxruntime advise the authors of models."""
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
    """Write an ONNX file with 8 bits, and measure what it costs."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with atomic_file(out) as temporary:
        with _quiet():
            # onnxruntime has no convolution of signed weights on CPUs
            quantize_dynamic(path, temporary, weight_type=QuantType.QUInt8)
        parity = _measure(temporary, 'onnx', inputs, expected)
        digest = hash_file(temporary)
    return {'file': out.name, 'sha256': digest, **asdict(parity)}


def _description(
    model: BaseModel,
    deployed: DeployedModel,
    image_size: tuple[int, int],
    weights_file: Path | None,
) -> dict[str, Any]:
    """Say what goes in, what comes out and where the weights are from."""
    meta = getattr(model, 'meta', {})
    raw = deployed.with_preprocess
    mean, std = (
        [round(value, 6) for value in (levels.flatten() / 255).tolist()]
        for levels in (deployed.mean, deployed.std)
    )
    return {
        'arch': meta.get('arch'),
        'input_size': list(image_size),
        'input': {
            'name': 'images',
            'layout': 'NHWC' if raw else 'NCHW',
            'dtype': 'uint8' if raw else 'float32',
            'channel_order': 'RGB',
            'normalised_inside': raw,
        },
        'mean': mean,
        'std': std,
        'output': {'name': 'features', 'l2_norm': deployed.l2_norm},
        'source': meta.get('source'),
        'source_sha256': meta.get('source_sha256'),
        'weights_sha256': hash_file(weights_file) if weights_file else None,
        'versions': {'mmcion': __version__, 'torch': str(torch.__version__)},
    }
