"""Numbers that do not depend on a machine or a library version.

The golden files of ``tests/data`` were made from weights and inputs filled by
this rule: value i of the tensor named ``key`` is SplitMix64 of
``i + crc32(key) * 2**32``, whose upper 53 bits are mapped to [-1, 1).
"""

import json
import zlib
from pathlib import Path

import numpy as np
import torch

DATA = Path(__file__).parent / 'data'


def read_golden(name):
    return json.loads((DATA / f'golden_{name}.json').read_text())


def golden_tensor(key, shape, scale=1.0, shift=0.0):
    """Float64 tensor in [shift - scale, shift + scale)."""
    start = np.uint64(zlib.crc32(key.encode()) << 32)
    number = start + np.arange(int(np.prod(shape)), dtype=np.uint64)
    bits = split_mix(number) >> np.uint64(11)
    unit = bits.astype(np.float64) / 2**52 - 1
    return torch.from_numpy(unit.reshape(shape) * scale + shift)


def split_mix(number):
    """SplitMix64, the finaliser of Java's SplittableRandom."""
    number = number + np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        number = (number ^ (number >> np.uint64(shift))) * np.uint64(factor)
    return number ^ (number >> np.uint64(31))


def golden_logits(num_views, batch=24, dim=32):
    """Student ``(V, B, C)``, teacher ``(2, B, C)`` and centre ``(C,)``."""
    student = golden_tensor('student', (num_views * batch, dim))
    teacher = golden_tensor('teacher', (2 * batch, dim))
    return (
        student.view(num_views, batch, dim),
        teacher.view(2, batch, dim),
        golden_tensor('center', (dim,), 0.2),
    )


def golden_image(height, width, batch=2):
    return golden_tensor(
        f'image{height}x{width}', (batch, 3, height, width), 2.0
    )


def fill_resnet(model):
    """Fill parameters and buffers of a ResNet in float64."""
    for key, tensor in model.double().state_dict().items():
        if key.endswith('num_batches_tracked'):
            continue
        scale, shift = _range(key.rsplit('.')[-1], tensor)
        tensor.copy_(golden_tensor(key, tuple(tensor.shape), scale, shift))


def _range(name, tensor):
    if name == 'running_mean':
        return 0.1, 0.0
    if name == 'running_var':
        return 0.3, 1.0
    if tensor.dim() >= 2:  # the variance of a uniform is a third of scale^2
        return (3 * len(tensor) / tensor.numel()) ** 0.5, 0.0
    return (0.1, 0.0) if name == 'bias' else (0.15, 0.8)
