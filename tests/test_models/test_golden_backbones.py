import pytest
import torch

from mmcion.models import build_backbone
from mmcion.models.utils import pooled_feature
from mmcion.models.weights import convert_weights
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

    state = convert(checkpoint(arch), arch)
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


def convert(checkpoint, arch):
    return convert_weights(checkpoint, 'reidzoo', arch=arch)[0]


def same(first, second):
    return first.keys() == second.keys() and all(
        torch.equal(first[name], second[name]) for name in first
    )


def test_any_wrapping_gives_the_same():
    bare = reidzoo_backbone('ghostnet_0_5')
    expected = convert(bare, 'ghostnet_0_5')
    assert same(convert(checkpoint('ghostnet_0_5'), 'ghostnet-0.5'), expected)
    for prefix in ('module.', 'backbone.', 'module.base.', 'base.'):
        named = {prefix + name: tensor for name, tensor in bare.items()}
        for wrapped in (named, {'state_dict': named}, {'model': named}):
            assert same(convert(wrapped, 'ghostnet_0_5'), expected)


def test_student_where_there_is_no_teacher():
    whole = checkpoint('ghostnet_0_5')
    expected = convert(whole, 'ghostnet_0_5')
    alone = {'student': whole['teacher']}
    assert same(convert(alone, 'ghostnet_0_5'), expected)


def test_what_is_not_needed_is_dropped():
    state = reidzoo_backbone('vit_tiny')
    expected = convert(state, 'vit_tiny')
    state['fc.weight'] = torch.ones(1000, 192)
    state['head.bias'] = torch.ones(1000)
    assert same(convert(state, 'vit_tiny'), expected)


def test_counter_of_old_checkpoints_is_made_up_for():
    state = reidzoo_backbone('ghostnet_0_5')
    for name in list(state):
        if name.endswith('num_batches_tracked'):
            del state[name]
    converted = convert(state, 'ghostnet_0_5')
    build_backbone('ghostnet_0_5').load_state_dict(converted)
