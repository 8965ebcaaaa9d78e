"""Weights with SOLIDER's names, and its forward pass in plain PyTorch.

From its paper (arXiv 2303.17602) and the names and shapes of its checkpoints.
"""

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

WINDOW, SHIFT = 7, 3
DEPTHS = {
    'tiny': (2, 2, 6, 2),
    'small': (2, 2, 18, 2),
    'base': (2, 2, 18, 2),
}
WIDTHS = {'tiny': 96, 'small': 96, 'base': 128}


def shapes(arch: str, *, semantic: bool = True) -> Iterator[tuple[str, tuple]]:
    """Yield the names of a checkpoint and their shapes."""
    width = WIDTHS[arch]

    def layer(name, out, *into):
        yield f'{name}.weight', (out, *into)
        yield f'{name}.bias', (out,)

    yield from layer('patch_embed.projection', width, 3, 4, 4)
    yield from layer('patch_embed.norm', width)
    for i, depth in enumerate(DEPTHS[arch]):
        for j in range(depth):
            block = f'stages.{i}.blocks.{j}'
            yield from layer(f'{block}.norm1', width)
            msa = f'{block}.attn.w_msa'
            heads = width // 32
            yield f'{msa}.relative_position_bias_table', (13 * 13, heads)
            yield f'{msa}.relative_position_index', (49, 49)
            yield from layer(f'{msa}.qkv', 3 * width, width)
            yield from layer(f'{msa}.proj', width, width)
            yield from layer(f'{block}.norm2', width)
            yield from layer(f'{block}.ffn.layers.0.0', 4 * width, width)
            yield from layer(f'{block}.ffn.layers.1', width, 4 * width)
        yield from layer(f'norm{i}', width)
        if i < 3:
            yield from layer(f'stages.{i}.downsample.norm', 4 * width)
            merging = f'stages.{i}.downsample.reduction.weight'
            yield merging, (2 * width, 4 * width)
            width *= 2
        if semantic:
            yield from layer(f'semantic_embed_w.{i}', width, 2)
            yield from layer(f'semantic_embed_b.{i}', width, 2)


def random_weights(arch: str, *, semantic: bool = True) -> dict[str, Tensor]:
    """Return weights under which no tensor is without effect."""
    generator = torch.Generator().manual_seed(0)
    weights = {}
    for name, shape in shapes(arch, semantic=semantic):
        scale = 0.02 if len(shape) > 1 else 0.2
        scale = 1.0 if 'bias_table' in name or 'semantic' in name else scale
        weights[name] = scale * torch.randn(shape, generator=generator)
        if 'norm' in name and name.endswith('weight'):
            weights[name] += 1
    return weights


def forward(
    weights: Mapping[str, Tensor], images: Tensor, semantic_weight: float
) -> Tensor:
    """Return the last map ``(N, d, h, w)``, one image after the other."""
    return torch.stack(
        [_forward(weights, image, semantic_weight) for image in images]
    )


def _forward(weights, image, semantic_weight):
    def linear(name, x):
        bias = weights.get(f'{name}.bias')
        return F.linear(x, weights[f'{name}.weight'], bias)

    def norm(name, x):
        own = (weights[f'{name}.weight'], weights[f'{name}.bias'])
        return F.layer_norm(x, x.shape[-1:], *own)

    stem = [weights[f'patch_embed.projection.{x}'] for x in ('weight', 'bias')]
    height, width = image.shape[1:]
    image = F.pad(image, (0, -width % 4, 0, -height % 4))
    x = F.conv2d(image[None], *stem, stride=4)[0].permute(1, 2, 0)
    x = norm('patch_embed.norm', x)
    pair = torch.tensor([semantic_weight, 1.0 - semantic_weight])
    for i in range(4):
        j = 0
        while f'stages.{i}.blocks.{j}.norm1.weight' in weights:
            block = f'stages.{i}.blocks.{j}'
            y = norm(f'{block}.norm1', x)
            shift = SHIFT if j % 2 else 0
            x = x + attention(weights, f'{block}.attn.w_msa', y, shift)
            y = linear(f'{block}.ffn.layers.0.0', norm(f'{block}.norm2', x))
            x = x + linear(f'{block}.ffn.layers.1', F.gelu(y))
            j += 1
        out = x  # the map of a stage, before its merging and the controller
        if i < 3:
            # (h, w, C) -> (C 2 2, h w / 4): channel, row, column of a patch
            x = F.pad(x, (0, 0, 0, x.shape[1] % 2, 0, x.shape[0] % 2))
            rows, columns = x.shape[0] // 2, x.shape[1] // 2
            x = F.unfold(x.permute(2, 0, 1)[None], 2, stride=2)[0].T
            x = norm(f'stages.{i}.downsample.norm', x)
            x = linear(f'stages.{i}.downsample.reduction', x)
            x = x.view(rows, columns, -1)
        if f'semantic_embed_w.{i}.weight' in weights:
            scale = F.softplus(linear(f'semantic_embed_w.{i}', pair))
            x = x * scale + linear(f'semantic_embed_b.{i}', pair)
    return norm('norm3', out).permute(2, 0, 1)


def attention(weights, name, x, shift):
    """Attend window by window; pixels of different regions do not mix."""
    height, width, channels = x.shape
    x = F.pad(x, (0, 0, 0, -width % WINDOW, 0, -height % WINDOW))
    rows, columns = x.shape[:2]
    # region of each row and column of the shifted map
    regions = [
        torch.tensor(
            [
                0 if k < side - WINDOW else 1 if k < side - shift else 2
                for k in range(side)
            ]
        )
        for side in (rows, columns)
    ]
    region = 3 * regions[0][:, None] + regions[1]
    x = torch.roll(x, (-shift, -shift), (0, 1))
    table = weights[f'{name}.relative_position_bias_table']
    heads = table.shape[1]
    place = torch.cartesian_prod(torch.arange(7), torch.arange(7))
    offset = place[:, None] - place + WINDOW - 1  # (49, 49, 2), from 0 on
    bias = table[offset[..., 0] * 13 + offset[..., 1]].permute(2, 0, 1)
    out = torch.zeros_like(x)
    for top in range(0, rows, WINDOW):
        for left in range(0, columns, WINDOW):
            part = slice(top, top + WINDOW), slice(left, left + WINDOW)
            tokens = x[part].reshape(49, channels)
            qkv = F.linear(
                tokens,
                weights[f'{name}.qkv.weight'],
                weights[f'{name}.qkv.bias'],
            )
            # (49, 3 C) -> three of (heads, 49, C / heads)
            q, k, v = qkv.view(49, 3, heads, -1).permute(1, 2, 0, 3)
            score = q @ k.mT / q.shape[-1] ** 0.5 + bias
            if shift:
                own = region[part].reshape(49)
                score = score - 100.0 * (own[:, None] != own)
            y = (score.softmax(-1) @ v).transpose(0, 1).reshape(49, channels)
            y = F.linear(
                y,
                weights[f'{name}.proj.weight'],
                weights[f'{name}.proj.bias'],
            )
            out[part] = y.view(7, 7, channels)
    out = torch.roll(out, (shift, shift), (0, 1))
    return out[:height, :width]
