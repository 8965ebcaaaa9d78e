"""Parameter names of ReIDZoo and of our backbones."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable

from torch import Tensor

Rules = list[tuple[str, str]]

_CONVNEXT: Rules = [
    (r'^downsample_layers\.0\.', 'stem.'),
    (r'^downsample_layers\.(\d+)\.(\d+)', r'stages.\1.downsample.\2'),
    (r'^stages\.(\d+)\.(\d+)', r'stages.\1.blocks.\2'),
    (r'\.dwconv\.', '.conv_dw.'),
    (r'\.pwconv(\d)\.', r'.mlp.fc\1.'),
    (r'^norm\.', 'head.norm.'),
]
_REPVIT: Rules = [
    (r'^features\.0\.0\.', 'stem.conv1.'),
    (r'^features\.0\.2\.', 'stem.conv2.'),
    (r'downsample\.token_mixer\.0\.', 'downsample.spatial_downsample.'),
    (r'downsample\.token_mixer\.2\.', 'downsample.channel_downsample.'),
    (r'downsample\.channel_mixer\.m\.0\.', 'downsample.ffn.conv1.'),
    (r'downsample\.channel_mixer\.m\.2\.', 'downsample.ffn.conv2.'),
    (r'\.token_mixer\.0\.', '.token_mixer.'),
    (r'\.token_mixer\.1\.conv_reduce\.', '.se.fc1.'),
    (r'\.token_mixer\.1\.conv_expand\.', '.se.fc2.'),
    (r'\.channel_mixer\.m\.0\.', '.channel_mixer.conv1.'),
    (r'\.channel_mixer\.m\.2\.', '.channel_mixer.conv2.'),
]
_FASTVIT: Rules = [
    (r'^patch_embed\.', 'stem.'),
    (r'^conv_exp\.', 'final_conv.'),
    (r'\.rbr_conv\.', '.conv_kxk.'),
    (r'\.rbr_scale\.', '.conv_scale.'),
    (r'\.rbr_skip\.', '.identity.'),
    (r'\.lkb_origin\.', '.large_conv.'),
    (r'\.convffn\.', '.mlp.'),
    (r'\.se\.reduce\.', '.se.fc1.'),
    (r'\.se\.expand\.', '.se.fc2.'),
    (r'(\.layer_scale(?:_\d)?)$', r'\1.gamma'),
]
# patch merging ends a stage there and begins the next one here; from the last
# stage to the first, so that no name is moved twice
_SWIN: Rules = [
    (rf'^layers\.{i}\.downsample\.', f'layers.{i + 1}.downsample.')
    for i in (2, 1, 0)
] + [(r'^norm3\.', 'norm.')]
# as MMDetection, MMPretrain and SOLIDER name a Swin
_MM_SWIN: Rules = [
    (r'^patch_embed\.projection\.', 'patch_embed.proj.'),
    (r'^stages\.', 'layers.'),
    (r'\.attn\.w_msa\.', '.attn.'),
    (r'\.ffn\.layers\.0\.0\.', '.mlp.fc1.'),
    (r'\.ffn\.layers\.1\.', '.mlp.fc2.'),
    # the controller follows the patch merging of its stage
    (r'^(semantic_embed_[wb])\.(\d)\.', r'layers.\2.downsample.\1.'),
    *_SWIN,
]

# by backbone class; the others keep their names
_RULES: dict[str, Rules] = {
    'ConvNeXt': _CONVNEXT,
    'EdgeNeXt': _CONVNEXT,
    'RepViT': _REPVIT,
    'FastViT': _FASTVIT,
    'SwinTransformer': _SWIN,
    'PaddedSwinTransformer': _MM_SWIN,
    'SemanticSwinTransformer': _MM_SWIN,
}
# a name that only this family has; the first that is there decides, because a
# ResNet-IBN has the names of a ResNet too, and SOLIDER's those of a plain Swin
_SIGNATURES: dict[str, str] = {
    'ResNetIBN': 'layer1.0.bn1.IN.weight',
    'ResNet': 'layer1.0.conv1.weight',
    'GhostNet': 'conv_stem.weight',
    'EdgeNeXt': 'stages.1.2.xca.temperature',
    'ConvNeXt': 'downsample_layers.0.0.weight',
    'RepViT': 'features.0.0.c.weight',
    'FastViT': 'patch_embed.0.rbr_conv.0.conv.weight',
    'VOLO': 'network.0.0.attn.v.weight',
    'VisionTransformerICS': 'patch_embed.conv.1.IN.weight',
    'SemanticSwinTransformer': 'semantic_embed_w.0.weight',
    'SwinTransformer': 'layers.0.blocks.0.attn.qkv.weight',
    'PaddedSwinTransformer': 'stages.0.blocks.0.attn.w_msa.qkv.weight',
}


def detect_family(names: Iterable[str]) -> str | None:
    """Return the backbone class that published names belong to."""
    known = set(names)
    families = (f for f, name in _SIGNATURES.items() if name in known)
    return next(families, None)


def our_names(names: Iterable[str], family: str) -> dict[str, str]:
    """Map each published name of a backbone of a family to ours."""
    names = list(names)
    rules = list(_RULES.get(family, []))
    # all names of a backbone show where its stages begin
    if family == 'RepViT':
        rules = _repvit_stages(names) + rules
    elif family == 'FastViT':
        rules = _fastvit_stages(names) + rules
    prefix = '' if family.startswith('ResNet') else 'model.'
    ours = {}
    for name in names:
        new = name
        for pattern, replacement in rules:
            new = re.sub(pattern, replacement, new)
        ours[name] = prefix + new
    return ours


def merging_of_timm(name: str, tensor: Tensor) -> Tensor:
    """Return a tensor of MMDetection's patch merging in the order of timm.

    There the 4 C inputs are ordered by channel, row and column of a 2 x 2
    patch; in timm by column, row and channel. Other tensors are returned as
    they are.
    """
    if not re.search(r'^stages\.\d\.downsample\.(norm|reduction)\.', name):
        return tensor
    # (..., C 2 2) -> (..., C, 2, 2) -> (..., 2 2 C)
    patches = tensor.unflatten(-1, (-1, 2, 2))
    return patches.transpose(-3, -1).flatten(-3)


def _repvit_stages(names: list[str]) -> Rules:
    """Return the rules that find stages in a flat list of blocks."""
    # A stage begins with a block of stride 2. timm counts that block, and the
    # one before it, to the downsampling of the new stage.
    blocks = _indices(r'^features\.(\d+)\.', names) - {0}  # 0 is the stem
    strided = _indices(r'^features\.(\d+)\.token_mixer\.2\.', names)
    stage = block = 0
    rules = []
    for index in sorted(blocks):
        if index in strided:
            stage, block = stage + 1, 0
            new = f'stages.{stage}.downsample.'
        elif index + 1 in strided:
            new = f'stages.{stage + 1}.downsample.pre_block.'
        else:
            new = f'stages.{stage}.blocks.{block}.'
            block += 1
        rules.append((rf'^features\.{index}\.', new))
    return rules


def _fastvit_stages(names: list[str]) -> Rules:
    """Return the rules that find stages in a flat list."""
    # a projection begins the next stage
    starts = sorted(_indices(r'^network\.(\d+)\.proj\.', names))
    rules = []
    for index in sorted(_indices(r'^network\.(\d+)\.', names)):
        old = rf'^network\.{index}\.'
        new = f'stages.{bisect_right(starts, index)}.'
        rules += [
            (old + r'proj\.', new + 'downsample.proj.'),
            (old + r'pe\.', new + 'pos_emb.pos_enc.'),
            (old, new + 'blocks.'),
        ]
    return rules


def _indices(pattern: str, names: list[str]) -> set[int]:
    matches = (re.match(pattern, name) for name in names)
    return {int(match[1]) for match in matches if match}
