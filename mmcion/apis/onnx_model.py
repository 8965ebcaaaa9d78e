"""OnnxModel: an exported model, run by onnxruntime."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from mmengine.model import BaseModel
from torch import Tensor

from mmcion.models import ReIDDataPreprocessor
from mmcion.models.weights.network_config import resize_pipeline
from mmcion.utils.checks import UserError, check_file, optional_import
from mmcion.utils.io import hash_file

# name of the description in the metadata of a file
METADATA = 'mmcion'


class OnnxModel(BaseModel):
    """An ONNX file of ``export_model``, with the pre-processing that it names.

    It is run on the CPU. Parameters and gradients are not accessible; the
    hash of the file stands for its weights.

    Args:
        path: File, ``.onnx``.

    Attributes:
        about: Description of the model in the file's metadata.
        pipeline: Transforms of an image file.

    Raises:
        MissingPackageError: If onnxruntime is missing.
        UserError: If the file is damaged, or not of ``export_model``.
    """

    def __init__(self, path: str | Path) -> None:
        path = Path(path).expanduser()
        check_file(path, 'model')
        session = open_session(path)
        ports = *session.get_inputs(), *session.get_outputs()
        metadata = session.get_modelmeta().custom_metadata_map
        try:
            about = json.loads(metadata[METADATA])
            is_raw = about['input']['normalised_inside']
            mean, std = about['mean'], about['std']
            if is_raw or not any(std):  # 0 where nothing is normalised
                mean = std = None
            preprocessor = ReIDDataPreprocessor(mean, std)
            pipeline = resize_pipeline(
                about['input_size'], about['resize']['interpolation']
            )
            tracker = about['tracker']
            if [port.name for port in ports] != ['images', 'features']:
                raise ValueError('the network has other inputs or outputs')
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise UserError(
                f'{path} does not say how to prepare images; write it with '
                f'tools/export_model.py.'
            ) from error
        if tracker:
            raise UserError(
                f'{path} takes images as {tracker} prepares them; export '
                f'another one without --for.'
            )
        super().__init__(preprocessor)
        self.path, self.about, self.pipeline = path, about, pipeline
        self._is_raw = is_raw
        self.register_buffer(
            'sha256',
            torch.frombuffer(
                bytearray.fromhex(hash_file(path)), dtype=torch.uint8
            ),
        )
        self._session = session

    def __reduce__(self) -> tuple[type[OnnxModel], tuple[Path]]:
        """Pickle the path, because a session of onnxruntime cannot be."""
        return OnnxModel, (self.path,)

    def forward(
        self, inputs: Tensor, data_samples: None = None, mode: str = 'tensor'
    ) -> Tensor:
        """Map images ``(N, 3, H, W)`` of the preprocessor to ``(N, d)``."""
        size = self.about['input_size']
        if [*inputs.shape[2:]] != size:
            raise UserError(
                f'the exported model takes images of {size}; got '
                f'{[*inputs.shape[2:]]}.'
            )
        if self._is_raw:
            # [0, 1] -> levels, (N, 3, H, W) -> (N, H, W, 3)
            inputs = inputs.mul(255).round().byte().permute(0, 2, 3, 1)
        images = inputs.cpu().contiguous().numpy()
        (features,) = self._session.run(['features'], {'images': images})
        return torch.from_numpy(features)


def open_session(path: str | Path) -> Any:
    """Open an ONNX file on the CPU.

    Raises:
        MissingPackageError: If onnxruntime is missing.
        UserError: If the file is damaged.
    """
    with optional_import('ONNX', "pip install 'mmcion[export]'"):
        import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors
    options.intra_op_num_threads = torch.get_num_threads()
    try:
        return onnxruntime.InferenceSession(
            str(path), options, providers=['CPUExecutionProvider']
        )
    except Exception as error:  # those of onnxruntime have no other base
        raise UserError(f'{path} is not an ONNX file: {error}') from error
