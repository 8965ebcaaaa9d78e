import pytest
import torch

from mmcion.models import get_architecture, list_architectures
from mmcion.models.weights.sources import (
    REFUSED,
    SOURCES,
    find_source,
    foreign_structure,
    source_hint,
)
from mmcion.utils.checks import UserError
from tests.golden import SMALLEST, reidzoo_keys

FAMILIES = {get_architecture(name).family for name in list_architectures()}
PLAIN = {
    get_architecture(name).family for name in list_architectures(others=True)
} - FAMILIES


def test_families_exist():
    for source in SOURCES.values():
        assert set(source.families) <= FAMILIES | PLAIN
        assert set(source.differing) <= FAMILIES - set(source.families)
    assert set(SOURCES['reidzoo'].families) == FAMILIES
    timm = SOURCES['timm']
    # what is not timm's
    assert {*timm.families, *timm.differing} == (FAMILIES | PLAIN) - {
        'ResNetIBN',
        'PaddedSwinTransformer',
        'SemanticSwinTransformer',
    }


def test_unknown_and_refused_sources():
    with pytest.raises(UserError, match=r"source .*'reidzoo'.* got 'x'"):
        find_source('x')
    for name in REFUSED:
        with pytest.raises(UserError, match=f'{name} cannot be converted: '):
            find_source(name)


@pytest.mark.parametrize(
    ('name', 'shape', 'reason'),
    [
        ('part_token1', (1, 1, 384), 'part tokens'),
        ('semantic_embed_w.0.weight', (192, 2), 'try --from solider '),
        ('NL_2.0.g.weight', (256, 512, 1, 1), 'non-local blocks'),
        ('layer1.0.se.fc.0.weight', (16, 256), 'squeeze-and-excitation'),
        ('sie_embed', (6, 1, 384), 'camera'),
        (
            'stages.0.blocks.0.token_mixer.conv.c.weight',
            (48, 1, 3, 3),
            'another gate and width',
        ),
        (
            'layers.0.blocks.0.attn.relative_position_bias_table',
            (169, 3),
            'windows are not 8 x 8',
        ),
    ],
)
def test_other_structures_are_recognised(name, shape, reason):
    tensors = {'a': torch.ones(1), name: torch.zeros(shape)}
    assert reason in foreign_structure(tensors)


def test_plain_patches_are_recognised():
    tensors = {
        'cls_token': torch.zeros(1, 1, 8),
        'patch_embed.proj.weight': torch.zeros(8, 3, 16, 16),
    }
    assert 'no ICS stem' in foreign_structure(tensors)
    tensors['patch_embed.proj.weight'] = torch.zeros(8, 64, 8, 8)
    assert not foreign_structure(tensors)


def test_heads_are_dropped():
    tensors = dict.fromkeys(
        ['head.norm.weight', 'head.fc.weight', 'aux_head.weight'],
        torch.ones(1),
    )
    renamed = SOURCES['timm'].rename(tensors, 'ConvNeXt')
    assert list(renamed) == ['model.head.norm.weight']
    heads = ['fc1.bias', 'fc2.bias', 'embed_fc.bias', 'classifier.bias']
    tensors = dict.fromkeys([*heads, 'conv1.weight'], torch.ones(1))
    renamed = SOURCES['lup-nl'].rename(tensors, 'ResNet')
    assert list(renamed) == ['conv1.weight']


@pytest.mark.parametrize('arch', SMALLEST)
def test_candidates_are_of_the_family_that_names_show(arch):
    names = [name for name, *_ in reidzoo_keys()[arch]['keys']]
    family = get_architecture(arch).family
    found = SOURCES['reidzoo'].candidates(names)
    assert arch in found
    assert {get_architecture(name).family for name in found} == {family}


def test_candidates_of_timm_names():
    found = SOURCES['timm'].candidates(['stages.0.blocks.0.conv_dw.weight'])
    assert 'convnext_tiny' in found and 'resnet18' not in found


@pytest.mark.parametrize(
    ('names', 'source'),
    [
        (['encoder_q.conv1.weight', 'encoder_k.conv1.weight'], 'lup'),
        (['encoder_q.conv1.weight', 'prototypes'], 'lup-nl'),
        (['features.0.0.c.weight'], 'reidzoo'),
        (['semantic_embed_w.0.weight'], 'solider'),
        (['stem.weight'], 'timm'),
        (['conv1.weight', 'layer1.0.conv1.weight'], ''),
        (['model.stem.weight'], ''),
        ([], ''),
    ],
)
def test_hint_names_the_source(names, source):
    hint = source_hint(names, ours=['model.stem.weight'])
    assert (f'--from {source} ' in hint) if source else hint == ''
