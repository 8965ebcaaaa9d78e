"""Where weights come from, and what is known about each source."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from timm.layers import resample_abs_pos_embed
from torch import Tensor

from mmcion.models.architectures import get_architecture, list_architectures
from mmcion.utils.checks import UserError, check_choice

from .key_rules import detect_family, merging_of_timm, our_names

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
_LAST_STRIDE = (
    'It was trained with a last stride of 2; here it is 1, as is usual when '
    'such weights are fine-tuned for ReID.'
)
_TIMM_REPVIT = 'its squeeze-and-excitation has another gate and width'
_PLAIN_PATCHES = (
    'it cuts images into patches by one convolution, and has no ICS stem'
)
_OTHER_WINDOWS = 'its windows are not 8 x 8 in all stages'
_SQUARE_PATCHES = 1 + 14 * 14  # class token and patches of 16 x 16
_PERSON_GRID = (16, 8)
_SOLIDER = ('SemanticSwinTransformer', 'PaddedSwinTransformer')
# a table and a mask that follow from the window, norms of maps that are not
# used, and the last pair of the controller, which no feature depends on
_SWIN_UNUSED = (
    r'^(?:fc|head|norm[012]|semantic_embed_[wb]\.3)\.'
    r'|\.relative_position_index$|\.attn_mask$'
)
_SOLIDER_REMARK = (
    'The semantic weight is 0.2, as in SOLIDER-REID; another one is the '
    "backbone's option semantic_weight."
)
_SAME_NAMES = ('ResNet', 'GhostNet', 'EdgeNeXt', 'FastViT', 'ConvNeXt', 'VOLO')


@dataclass(frozen=True)
class Source:
    """One source of weights.

    Attributes:
        title: Name of the project and of its pre-training.
        families: Backbone classes whose structure is ours.
        unused: Regular expression of names that no feature passes.
        part: Prefix of the network to take, where there are several.
        published_names: Whether names follow ``key_rules``; else they are
            ours but for a prefix.
        statistics: Name of the images that ``mean`` and ``std`` are of.
        mean: Mean per channel of RGB images in [0, 1].
        std: Standard deviation per channel.
        remark: What differs although the weights do not show it.
        differing: Why other backbone classes are not converted.
        square_table: Whether position tables of 224 x 224 pixels are
            interpolated to 256 x 128.
    """

    title: str
    families: tuple[str, ...]
    unused: str = r'^(?:fc|head)\.'
    part: str = ''
    published_names: bool = False
    statistics: str = 'ImageNet'
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD
    remark: str = ''
    differing: Mapping[str, str] = field(default_factory=dict)
    square_table: bool = False

    def our_names(self, names: Iterable[str], family: str) -> dict[str, str]:
        """Map names of a source to ours, without those of no use."""
        names = [name for name in names if not re.search(self.unused, name)]
        if self.published_names:
            return our_names(names, family)
        prefix = '' if family.startswith('ResNet') else 'model.'
        return {name: prefix + name for name in names}

    def rename(
        self, tensors: Mapping[str, Tensor], family: str
    ) -> dict[str, Tensor]:
        """Return the tensors that a backbone needs by our names."""
        ours = self.our_names(tensors, family)
        table = tensors.get('pos_embed')
        if (
            self.square_table
            and family.startswith('Plain')
            and (table is not None and table.shape[1] == _SQUARE_PATCHES)
        ):
            # as timm does for images of another size
            resized = resample_abs_pos_embed(table, list(_PERSON_GRID))
            tensors = {**tensors, 'pos_embed': resized}
        if family in _SOLIDER:
            tensors = {n: merging_of_timm(n, tensors[n]) for n in ours}
        return {ours[name]: tensors[name] for name in ours}

    def candidates(self, names: Iterable[str] = ()) -> list[str]:
        """Return the architectures that tensors of such names may be of."""
        shown = detect_family(names)
        return [
            arch
            for arch in list_architectures(others=True)
            if (family := get_architecture(arch).family) in self.families
            # without a family's published names they are timm's, and a
            # ResNet has the same names everywhere
            and (
                shown in (family, re.sub('^(Plain|Padded)', '', family))
                if shown
                else not family.startswith('ResNet')
            )
        ]


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
        statistics='LUPerson',
        mean=(0.3525, 0.3106, 0.3140),
        std=(0.2660, 0.2522, 0.2505),
        remark=_LAST_STRIDE,
    ),
    'lup-nl': Source(
        'LUP-NL (PNL on LUPerson-NL)',
        families=('ResNet',),
        unused=r'^(?:fc[12]?|embed_fc|classifier)\.',
        part='encoder_q.',
        statistics='LUPerson-NL',
        mean=(0.3452, 0.3070, 0.3114),
        std=(0.2633, 0.2500, 0.2480),
        remark=_LAST_STRIDE,
    ),
    'transreid-ssl': Source(
        'TransReID-SSL (DINO on LUPerson, ICS stem)',
        families=('VisionTransformerICS',),
    ),
    'personvit': Source(
        'PersonViT, DINO or TransReID-SSL on plain patches (LUPerson)',
        families=('PlainVisionTransformer',),
        unused=r'^(?:fc|head|mask_token|masked_embed)',
    ),
    'dinov2': Source(
        'DINOv2 (LVD-142M)',
        families=('PlainVisionTransformer',),
        unused=r'^(?:head|mask_token)',
        remark='Not trained on people: a start for fine-tuning.',
    ),
    'fast-reid': Source(
        'fast-reid',
        families=('ResNet', 'ResNetIBN'),
        remark='The backbone alone: pooling (often GeM) and neck are not '
        'taken over, and newer versions of fast-reid pool after the first '
        'convolution without padding, so features differ from its own.',
    ),
    'solider': Source(
        'SOLIDER (LUPerson)',
        families=_SOLIDER,
        unused=_SWIN_UNUSED,
        published_names=True,
        remark=_SOLIDER_REMARK,
    ),
    'solider-reid': Source(
        'SOLIDER-REID',
        families=_SOLIDER,
        unused=_SWIN_UNUSED,
        published_names=True,
        statistics='custom',
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
        remark='Trained on images of 384 x 128 pixels. Features are those '
        f'before its BNNeck, as it evaluates them. {_SOLIDER_REMARK}',
    ),
    'torchvision': Source(
        'torchvision (ImageNet)',
        families=('ResNet',),
        unused=r'^fc\.',
        remark=_LAST_STRIDE,
    ),
    'timm': Source(
        'timm',
        families=(
            *_SAME_NAMES,
            'PlainVisionTransformer',
            'PlainSwinTransformer',
        ),
        square_table=True,
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

# why the weights of these sources are not converted
REFUSED: dict[str, str] = {
    'pass': 'PASS has part tokens, which take part in every attention, and '
    'no ICS stem; none of our backbones has them',
}

# names that show another structure, whatever the file was said to be
_TRAITS: dict[str, str] = {
    r'^part_token\d': REFUSED['pass'],
    r'^NL_\d\.': 'it has non-local blocks (WITH_NL), unlike our ResNet',
    r'\.se\.fc\.0\.': 'it has squeeze-and-excitation (WITH_SE), unlike our '
    'ResNet',
    r'^sie_embed': 'its tokens depend on the camera (SIE)',
    r'\.token_mixer\.conv\.c\.weight$': _TIMM_REPVIT,
}
_MM_NAMES = r'\.attn\.w_msa\.|^semantic_embed_[wb]\.'
_OTHER_SWIN = (
    'its Swin is that of SOLIDER or MMDetection; try --from solider or '
    'solider-reid'
)
_TABLE = 'attn.relative_position_bias_table'
_TABLE_ROWS = 15**2  # offsets between two places of an 8 x 8 window


def find_source(name: str) -> Source:
    """Look up a source whose weights can be converted."""
    if name in REFUSED:
        raise UserError(f'{name} cannot be converted: {REFUSED[name]}.')
    check_choice('source', name, SOURCES)
    return SOURCES[name]


def source_hint(names: Iterable[str], ours: Iterable[str]) -> str:
    """Return how to convert weights that have the names of another project.

    Empty where no project is recognised. ``ours`` are the names in the
    network that they should fill.
    """
    names, ours = set(names), set(ours)
    if any(name.startswith('encoder_q.') for name in names):
        key = 'lup-nl' if 'prototypes' in names else 'lup'
    elif detect_family(names) in _SOLIDER:
        key = 'solider'
    elif detect_family(names) not in (None, 'ResNet', 'ResNetIBN'):
        key = 'reidzoo'
    elif any(f'model.{name}' in ours for name in names):
        key = 'timm'
    else:
        return ''
    return (
        f'Its names look like those of {SOURCES[key].title}: convert it with '
        f'tools/model_converters/convert_weights.py FILE --from {key} --out '
        f'MODEL.pth.'
    )


def foreign_structure(
    tensors: Mapping[str, Tensor], families: Iterable[str] = ()
) -> str:
    """Return what of the tensors' structure no backbone of a source has.

    Args:
        tensors: Tensors by their published names.
        families: Backbone classes of the source.
    """
    is_solider = not {*_SOLIDER}.isdisjoint(families)
    traits = _TRAITS if is_solider else {**_TRAITS, _MM_NAMES: _OTHER_SWIN}
    for pattern, trait in traits.items():
        if any(re.search(pattern, name) for name in tensors):
            return trait
    stem = tensors.get('patch_embed.proj.weight')
    # RGB goes into the patches at once, where ICS has a stem before them
    plain = stem is not None and stem.shape[1] == 3 and 'cls_token' in tensors
    if plain and 'PlainVisionTransformer' not in families:
        return f'{_PLAIN_PATCHES}; try --from personvit, dinov2 or timm'
    rows = {len(tensors[name]) for name in tensors if name.endswith(_TABLE)}
    has_others = is_solider or 'PlainSwinTransformer' in families
    if rows - {_TABLE_ROWS} and not has_others:
        return f'{_OTHER_WINDOWS}; try --from timm'
    return ''
