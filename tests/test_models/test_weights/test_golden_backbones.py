import pytest
import torch

from mmcion.models import build_backbone, convert_reidzoo
from mmcion.models.utils import pooled_feature
from tests.golden import (
    SMALLEST,
    golden_image,
    read_golden,
    reidzoo_backbone,
    reidzoo_keys,
)

# millions of parameters
PUBLISHED = {
    'resnet18': 11.177,
    'resnet50': 23.508,
    'resnet101': 42.500,
    'resnet152': 58.144,
    'resnet18_ibn': 11.177,
    'resnet50_ibn': 23.508,
    'resnet101_ibn': 42.500,
    'resnet152_ibn': 58.144,
    'ghostnet_0_5': 1.306,
    'ghostnet_1_0': 3.902,
    'ghostnet_1_3': 6.078,
    'edgenext_x_small': 2.144,
    'edgenext_small': 5.282,
    'edgenext_base': 17.926,
    'repvit_m0_9': 4.717,
    'repvit_m1_0': 6.402,
    'repvit_m1_5': 13.616,
    'fastvit_s12': 8.449,
    'fastvit_sa12': 10.556,
    'fastvit_sa24': 20.529,
    'convnext_tiny': 27.820,
    'convnext_small': 49.455,
    'convnext_base': 87.566,
    'volo_d1': 25.836,
    'volo_d2': 57.618,
    'volo_d3': 85.264,
    'vit_tiny': 6.234,
    'vit_small': 23.001,
    'vit_base': 88.386,
    'swin_tiny': 27.527,
    'swin_small': 48.853,
    'swin_base': 86.764,
}
ARCHITECTURES = SMALLEST + [
    pytest.param(name, marks=pytest.mark.slow)
    for name in PUBLISHED
    if name not in SMALLEST
]


def checkpoint(arch):
    """Return what ReIDZoo released, but for the values."""
    prefix = reidzoo_keys()[arch]['prefix']
    state = {
        prefix + name: tensor
        for name, tensor in reidzoo_backbone(arch).items()
    }
    head = {prefix.replace('backbone', 'head') + 'mlp.0.bias': torch.ones(3)}
    student = {name: torch.zeros(()) for name in state}
    return {'teacher': {**state, **head}, 'student': student, 'epoch': 100}


@pytest.mark.parametrize('arch', ARCHITECTURES)
def test_golden_output_of_a_released_checkpoint(arch):
    # EdgeNeXt's position code is float32
    edgenext = arch.startswith('edgenext')
    dtype = torch.float32 if edgenext else torch.float64
    model = build_backbone(arch).to(dtype).eval()

    state = convert_reidzoo(checkpoint(arch), arch)
    model.load_state_dict(state)  # strict
    with torch.inference_mode():
        feats = pooled_feature(model(golden_image(256, 128).to(dtype)))

    golden = read_golden('backbones')[arch]['256x128']
    assert list(feats.shape) == golden['shape']
    got = [feats.mean(), feats.abs().mean(), *feats[0, :4], *feats[-1, -4:]]
    expected = [
        golden['mean'],
        golden['absmean'],
        *golden['first'],
        *golden['last'],
    ]
    # the figures have eight decimals
    assert [float(x) for x in got] == pytest.approx(
        expected, rel=1e-4 if edgenext else 1e-6, abs=1e-8
    )
    difference = (feats[0] - feats[1]).abs().mean()
    # given with six digits
    assert float(difference) == pytest.approx(
        golden['std_over_batch'], rel=1e-5
    )
    size = sum(parameter.numel() for parameter in model.parameters()) / 1e6
    assert size == pytest.approx(PUBLISHED[arch], abs=6e-4)
    for name, tensor in model.state_dict().items():
        torch.testing.assert_close(state[name].to(tensor.dtype), tensor)


def same(first, second):
    return first.keys() == second.keys() and all(
        torch.equal(first[name], second[name]) for name in first
    )


def test_any_wrapping_gives_the_same():
    bare = reidzoo_backbone('ghostnet_0_5')
    expected = convert_reidzoo(bare, 'ghostnet_0_5')
    assert same(
        convert_reidzoo(checkpoint('ghostnet_0_5'), 'ghostnet-0.5'), expected
    )
    for prefix in ('module.', 'backbone.', 'module.base.', 'base.'):
        named = {prefix + name: tensor for name, tensor in bare.items()}
        for wrapped in (named, {'state_dict': named}, {'model': named}):
            assert same(convert_reidzoo(wrapped, 'ghostnet_0_5'), expected)


def test_student_where_there_is_no_teacher():
    whole = checkpoint('ghostnet_0_5')
    expected = convert_reidzoo(whole, 'ghostnet_0_5')
    alone = {'student': whole['teacher']}
    assert same(convert_reidzoo(alone, 'ghostnet_0_5'), expected)


def test_what_is_not_needed_is_dropped():
    state = reidzoo_backbone('vit_tiny')
    expected = convert_reidzoo(state, 'vit_tiny')
    state['fc.weight'] = torch.ones(1000, 192)
    state['head.bias'] = torch.ones(1000)
    assert same(convert_reidzoo(state, 'vit_tiny'), expected)


def test_counter_of_old_checkpoints_is_made_up_for():
    state = reidzoo_backbone('ghostnet_0_5')
    for name in list(state):
        if name.endswith('num_batches_tracked'):
            del state[name]
    converted = convert_reidzoo(state, 'ghostnet_0_5')
    build_backbone('ghostnet_0_5').load_state_dict(converted)


def test_all_faults_are_named():
    state = reidzoo_backbone('ghostnet_0_5')
    del state['conv_head.bias'], state['bn1.weight']
    state['conv_stem.weight'] = torch.ones(8, 1, 3, 3)
    state['strange.weight'] = torch.ones(2)

    with pytest.raises(ValueError) as error:
        convert_reidzoo(state, 'ghostnet_0_5')

    text = str(error.value)
    assert 'not the weights of ghostnet_0_5' in text
    assert 'of its 510 tensors, 2 are missing (model.bn1.weight' in text
    assert '1 are not known (model.strange.weight)' in text
    assert (
        '1 have another shape (model.conv_stem.weight (8, 1, 3, 3) instead '
        'of (8, 3, 3, 3))' in text
    )
    assert 'looks like ghostnet_0_5 (99% of its tensors agree)' in text


@pytest.mark.parametrize(
    ('given', 'wanted'),
    [
        ('resnet18', 'resnet18_ibn'),
        ('resnet18_ibn', 'resnet18'),
        ('ghostnet_0_5', 'ghostnet_1_0'),
        ('edgenext_small', 'convnext_tiny'),
        ('repvit_m1_0', 'repvit_m0_9'),
        ('fastvit_sa12', 'fastvit_s12'),
        ('vit_tiny', 'volo_d1'),
    ],
)
def test_wrong_architecture_is_recognised(given, wanted):
    match = rf'not the weights of {wanted}: .*It looks like {given} \(100%'
    with pytest.raises(ValueError, match=match):
        convert_reidzoo(reidzoo_backbone(given), wanted)


def test_foreign_weights():
    with pytest.raises(ValueError, match=r'looks like none of the archit'):
        convert_reidzoo({'a.weight': torch.ones(2)}, 'vit_tiny')
    with pytest.raises(ValueError, match='backbone of 0 tensors such as none'):
        convert_reidzoo({}, 'vit_tiny')
    with pytest.raises(ValueError, match='this one holds a list'):
        convert_reidzoo([], 'vit_tiny')


def test_random_numbers_are_left_alone():
    state = reidzoo_backbone('resnet18')
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    convert_reidzoo(state, 'resnet18')
    assert torch.equal(torch.rand(3), expected)
