import pytest

from mmcion.models import get_architecture, list_architectures
from mmcion.models.weights.key_rules import detect_family, our_names
from tests.golden import reidzoo_keys


def names_of(arch):
    return [name for name, *_ in reidzoo_keys()[arch]['keys']]


@pytest.mark.parametrize('arch', list_architectures())
def test_family_is_known_by_its_names(arch):
    assert detect_family(names_of(arch)) == get_architecture(arch).family
    assert detect_family(['a', 'b']) is None


@pytest.mark.parametrize('arch', list_architectures())
def test_no_two_names_become_one(arch):
    names = names_of(arch)
    ours = our_names(names, get_architecture(arch).family)
    assert list(ours) == names
    assert len(set(ours.values())) == len(names)


@pytest.mark.parametrize(
    ('family', 'published', 'ours'),
    [
        # 1 2 | 3 4: the third leads to the fourth, of stride 2
        ('RepViT', 'features.2.x', 'stages.0.blocks.1.x'),
        ('RepViT', 'features.3.x', 'stages.1.downsample.pre_block.x'),
        ('RepViT', 'features.5.x', 'stages.1.blocks.0.x'),
        (
            'RepViT',
            'features.4.token_mixer.2.c',
            'stages.1.downsample.channel_downsample.c',
        ),
        ('FastViT', 'network.0.1.x', 'stages.0.blocks.1.x'),
        ('FastViT', 'network.1.proj.0.x', 'stages.1.downsample.proj.0.x'),
        ('FastViT', 'network.2.pe.x', 'stages.1.pos_emb.pos_enc.x'),
        ('FastViT', 'network.3.0.x', 'stages.1.blocks.0.x'),
        ('SwinTransformer', 'layers.0.downsample.x', 'layers.1.downsample.x'),
        ('SwinTransformer', 'layers.0.blocks.1.x', 'layers.0.blocks.1.x'),
    ],
)
def test_stages_are_found_in_flat_lists(family, published, ours):
    names = {
        'RepViT': [f'features.{i}.x' for i in range(1, 6)]
        + ['features.4.token_mixer.2.c'],
        'FastViT': [
            'network.0.1.x',
            'network.1.proj.0.x',
            'network.2.pe.x',
            'network.3.0.x',
        ],
    }.get(family, [published])
    assert our_names(names, family)[published] == f'model.{ours}'
