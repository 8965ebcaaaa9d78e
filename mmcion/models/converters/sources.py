"""Where weights come from, and what is known about each source."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from mmcion.models.utils.model_file import IMAGENET_MEAN, IMAGENET_STD

from .key_rules import renaming

_LAST_STRIDE = (
    'It was trained with a last stride of 2; here it is 1, as is usual when '
    'such weights are fine-tuned for ReID.'
)
_TIMM_REPVIT = 'its squeeze-and-excitation has another gate and width'
_PLAIN_PATCHES = (
    'it cuts images into patches by one convolution, and has no ICS stem'
)
_OTHER_WINDOWS = 'its windows are not 8 x 8 in all stages'
_SAME_NAMES = ('ResNet', 'GhostNet', 'EdgeNeXt', 'FastViT', 'ConvNeXt', 'VOLO')


@dataclass(frozen=True)
class Source:
    """One source of weights.

    Attributes:
        title: what it is, for people.
        families: types of backbone whose structure is ours.
        unused: regular expression; names that no feature passes.
        part: prefix of the one of several networks that is wanted.
        published_names: renamed by the rules of ``key_rules``; else the names
            are ours but for a prefix.
        mean: per channel, of RGB images in [0, 1].
        std: per channel.
        remark: what differs though the weights do not show it.
        differing: why a type of backbone is not converted.
    """

    title: str
    families: tuple[str, ...]
    unused: str = r'^(?:fc|head)\.'
    part: str = ''
    published_names: bool = False
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD
    remark: str = ''
    differing: Mapping[str, str] = field(default_factory=dict)

    def rename(
        self, tensors: Mapping[str, Tensor], family: str
    ) -> dict[str, Tensor]:
        """Return what a backbone needs by our names."""
        names = [name for name in tensors if not re.search(self.unused, name)]
        if self.published_names:
            ours = renaming(names, family)
        else:
            prefix = '' if family.startswith('ResNet') else 'model.'
            ours = {name: prefix + name for name in names}
        return {ours[name]: tensors[name] for name in names}


# Statistics and structures: the repositories DengpanFu/LUPerson and
# LUPerson-NL, damo-cv/TransReID-SSL, JDAI-CV/fast-reid.
SOURCES: dict[str, Source] = {
    'reidzoo': Source(
        'ReIDZoo (CION on CION-AL)',
        families=(
            *_SAME_NAMES,
            'ResNetIBN',
            'RepViT',
            'VisionTransformerICS',
            'SwinTransformer',
        ),
        # and a table that follows from the window
        unused=r'^(?:fc|head)\.|\.relative_position_index$',
        published_names=True,
    ),
    'lup': Source(
        'LUP (MoCo v2 on LUPerson)',
        families=('ResNet',),
        unused=r'^fc\.',
        part='encoder_q.',
        mean=(0.3525, 0.3106, 0.3140),
        std=(0.2660, 0.2522, 0.2505),
        remark=_LAST_STRIDE,
    ),
    'lup-nl': Source(
        'LUP-NL (PNL on LUPerson-NL)',
        families=('ResNet',),
        unused=r'^(?:fc[12]?|embed_fc|classifier)\.',
        part='encoder_q.',
        mean=(0.3452, 0.3070, 0.3114),
        std=(0.2633, 0.2500, 0.2480),
        remark=_LAST_STRIDE,
    ),
    'transreid-ssl': Source(
        'TransReID-SSL (DINO on LUPerson, ICS stem)',
        families=('VisionTransformerICS',),
    ),
    'fast-reid': Source(
        'fast-reid',
        families=('ResNet', 'ResNetIBN'),
        remark='The backbone alone: pooling (often GeM) and neck are not '
        'taken over, and newer versions of fast-reid pool after the first '
        'convolution without padding, so features differ from its own.',
    ),
    'torchvision': Source(
        'torchvision (ImageNet)',
        families=('ResNet',),
        unused=r'^fc\.',
        remark=_LAST_STRIDE,
    ),
    'timm': Source(
        'timm',
        families=_SAME_NAMES,
        unused=r'^(?:fc|classifier|head\.fc|aux_head)\.|^head\.(?:weight|bias)$',
        remark='ResNets are usually trained with a last stride of 2; here it '
        'is 1.',
        differing={
            'RepViT': _TIMM_REPVIT,
            'VisionTransformerICS': _PLAIN_PATCHES,
            'SwinTransformer': _OTHER_WINDOWS,
        },
    ),
}

# name of a source to why its weights are not converted
REFUSED: dict[str, str] = {
    'pass': 'PASS has part tokens, which take part in every attention, and '
    'no ICS stem; none of our backbones has them',
    'solider': 'SOLIDER has windows of 7 x 7 and a semantic controller after '
    'every stage; our Swin has windows of 8 x 8 and no controller',
}

# names that show another structure, whatever the file was said to be
_TRAITS: dict[str, str] = {
    r'^part_token\d': REFUSED['pass'],
    r'^semantic_embed_[wb]\.': REFUSED['solider'],
    r'^NL_\d\.': 'it has non-local blocks (WITH_NL), which our ResNet lacks',
    r'\.se\.fc\.0\.': 'it has squeeze-and-excitation (WITH_SE), which our '
    'ResNet lacks',
    r'^sie_embed': 'its tokens depend on the camera (SIE)',
    r'\.token_mixer\.conv\.c\.weight$': _TIMM_REPVIT,
}
_TABLE = 'attn.relative_position_bias_table'
_TABLE_ROWS = 15**2  # of windows of 8 x 8


def find_source(name: str) -> Source:
    """Look up a source.

    Raises:
        ValueError: if it is not known, or its weights do not fit; says why.
    """
    if name in REFUSED:
        raise ValueError(
            f'weights of {name} cannot be converted: {REFUSED[name]}.'
        )
    if name not in SOURCES:
        raise ValueError(
            f'there is no source {name!r}; there are {", ".join(SOURCES)}'
        )
    return SOURCES[name]


def refuse_structure(tensors: Mapping[str, Tensor]) -> None:
    """Raise if tensors show a structure that none of our backbones has.

    Args:
        tensors: of a backbone, by their own names.

    Raises:
        ValueError: says which.
    """
    reasons = [
        reason
        for pattern, reason in _TRAITS.items()
        if any(re.search(pattern, name) for name in tensors)
    ]
    stem = tensors.get('patch_embed.proj.weight')
    if stem is not None and stem.shape[1] == 3 and 'cls_token' in tensors:
        reasons.append(_PLAIN_PATCHES)
    if any(
        name.endswith(_TABLE) and len(tensor) != _TABLE_ROWS
        for name, tensor in tensors.items()
    ):
        reasons.append(_OTHER_WINDOWS)
    if reasons:
        raise ValueError(f'it cannot be converted: {reasons[0]}.')
