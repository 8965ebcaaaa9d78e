"""Numbers that do not depend on a machine or a library version.

The golden files of ``tests/data`` were made from weights and inputs filled by
this rule: value i of the tensor named ``key`` is SplitMix64 of
``i + crc32(key) * 2**32``, whose upper 53 bits are mapped to [-1, 1).
"""

import gzip
import json
import math
import re
import zlib
from functools import cache
from pathlib import Path

import numpy as np
import torch

DATA = Path(__file__).parent / 'data'
KEYS = 'reidzoo_keys.json.gz'
_PART = 2**13
# mean weight of a norm, which keeps the maps of a family in range
SHIFTS = {'repvit': 0.85, 'ghostnet': 1.0, 'resnet': 0.8, 'fastvit': 0.85}
# of each family
SMALLEST = [
    'resnet18',
    'resnet18_ibn',
    'ghostnet_0_5',
    'edgenext_x_small',
    'repvit_m0_9',
    'fastvit_s12',
    'convnext_tiny',
    'volo_d1',
    'vit_tiny',
    'swin_tiny',
]


def read_golden(name):
    return json.loads((DATA / f'golden_{name}.json').read_text())


def golden_tensor(key, shape, scale=1.0, shift=0.0):
    """Float64 tensor in [shift - scale, shift + scale)."""
    start = zlib.crc32(key.encode()) << 32
    values = np.empty(int(np.prod(shape)))
    # parts that fit into the cache
    for part in np.split(values, range(_PART, len(values), _PART)):
        number = np.arange(start, start + len(part), dtype=np.uint64)
        bits = split_mix(number) >> np.uint64(11)
        part[:] = (bits.astype(np.float64) / 2**52 - 1) * scale + shift
        start += len(part)
    return torch.from_numpy(values.reshape(shape))


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


@cache
def reidzoo_keys():
    """Names, shapes and types of what ReIDZoo released, by architecture."""
    return json.loads(gzip.decompress((DATA / KEYS).read_bytes()))


def reidzoo_backbone(arch):
    """State dict of a released backbone in float64, filled by the rule."""
    family = re.split(r'[\d_]', arch)[0]
    return {
        key: _filled(key, shape, family)
        if kind.startswith('float')
        else torch.zeros(shape, dtype=getattr(torch, kind))
        for key, shape, kind in reidzoo_keys()[arch]['keys']
    }


def _filled(key, shape, family):
    scale, shift = _range(key.rsplit('.')[-1], shape, family)
    return golden_tensor(key, shape, scale, shift)


def _range(name, shape, family):
    if name == 'running_mean':
        return 0.1, 0.0
    if name == 'running_var':
        return 0.3, 1.0
    if 'gamma' in name or name.startswith('layer_scale'):
        return 0.05, 0.2
    if name == 'temperature':
        return 0.2, 1.0
    if name in ('pos_embed', 'cls_token', 'relative_position_bias_table'):
        return 0.3, 0.0
    if len(shape) >= 2:  # the variance of a uniform is a third of scale^2
        return (3 * shape[0] / math.prod(shape)) ** 0.5, 0.0
    return (0.1, 0.0) if name == 'bias' else (0.15, SHIFTS.get(family, 0.45))


def golden_inputs(case):
    """Inputs by name of a case whose golden file lists keys and ranges."""
    values = {}
    for name, i in case['inputs'].items():
        value = golden_tensor(i['key'], i['shape'], i['scale'], i['shift'])
        if i.get('then') == 'divide by L2 norm over last axis':
            value = value / value.square().sum(-1, keepdim=True).sqrt()
        values[name] = value
    return values
