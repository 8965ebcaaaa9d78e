import pytest
import torch
from safetensors.torch import save_file

from mmcion.models import build_backbone
from mmcion.models.utils import pooled_feature
from mmcion.models.weights import (
    SOURCES,
    convert_file,
    convert_weights,
    open_file,
    read_model_file,
)
from mmcion.utils.checks import UserError
from tests.golden import (
    SMALLEST,
    golden_image,
    reidzoo_backbone,
    reidzoo_keys,
)


def prefixed(state, prefix):
    return {prefix + name: tensor for name, tensor in state.items()}


def features(backbone):
    with torch.inference_mode():
        return pooled_feature(backbone.eval()(golden_image(64, 32).float()))


def equal(state, tensors):
    return all(torch.equal(state[k], v) for k, v in tensors.items())


@pytest.fixture(scope='module')
def resnet():
    """Backbone of ours with statistics other than those of the start."""
    torch.manual_seed(0)
    backbone = build_backbone('resnet18')
    backbone.train()(torch.randn(4, 3, 64, 32))
    return backbone


HEAD = {'fc.weight': torch.ones(2, 512), 'fc.bias': torch.ones(2)}


def lup(state):
    """As MoCo v2 saves it; the other network must not be taken."""
    heads = {f'fc.{n}.weight': torch.ones(2, 2) for n in (0, 2)}
    zeros = {name: torch.zeros_like(t) for name, t in state.items()}
    return {
        'epoch': 200,
        'arch': 'resnet18',
        'state_dict': {
            **prefixed({**zeros, **heads}, 'module.encoder_k.'),
            **prefixed({**state, **heads}, 'module.encoder_q.'),
            'module.queue': torch.ones(2, 2),
            'module.queue_ptr': torch.ones(1),
        },
        'optimizer': {'state': {}},
    }


def lup_nl(state):
    heads = ('fc1', 'fc2', 'embed_fc', 'classifier')
    network = {**state, **{f'{name}.bias': torch.ones(2) for name in heads}}
    return {
        'state_dict': {
            **prefixed(network, 'module.encoder_q.'),
            'module.queue_id': torch.ones(2, 1),
            'module.prototypes': torch.ones(2, 2),
        }
    }


def fast_reid(state):
    return {
        'model': {
            'pixel_mean': torch.tensor([89.25, 79.05, 80.07]).view(1, 3, 1, 1),
            'pixel_std': torch.tensor([63.75, 63.75, 63.75]).view(1, 3, 1, 1),
            **prefixed(state, 'backbone.'),
            'heads.pool_layer.p': torch.ones(1),
            'heads.bottleneck.0.weight': torch.ones(512),
            'heads.weight': torch.ones(751, 512),
        },
        'iteration': 3,
    }


@pytest.mark.parametrize(
    ('source', 'wrap', 'mean', 'std'),
    [
        ('lup', lup, [0.3525, 0.3106, 0.3140], [0.2660, 0.2522, 0.2505]),
        ('lup', dict, [0.3525, 0.3106, 0.3140], [0.2660, 0.2522, 0.2505]),
        ('lup-nl', lup_nl, [0.3452, 0.3070, 0.3114], [0.2633, 0.25, 0.2480]),
        ('fast-reid', fast_reid, [0.35, 0.31, 0.314], [0.25, 0.25, 0.25]),
        (
            'torchvision',
            lambda state: {**state, **HEAD},
            [0.485, 0.456, 0.406],
            [0.229, 0.224, 0.225],
        ),
    ],
)
def test_resnets(tmp_path, resnet, source, wrap, mean, std):
    path = tmp_path / 'weights.pth'
    torch.save(wrap(resnet.state_dict()), path)

    file, report = convert_file(path, tmp_path / 'out.pth', source)

    assert report.fits and report.name == 'resnet18'
    model = open_file(file)
    assert model.spec.arch == 'resnet18'
    assert model.spec.mean == pytest.approx(mean)
    assert model.spec.std == pytest.approx(std)
    assert model.spec.notes == {'remark': SOURCES[source].remark}
    assert 'weights.pth' in model.spec.source
    assert len(model.spec.source_sha256) == 64
    assert torch.equal(features(model.backbone), features(resnet))


def test_transreid_ssl():
    state = reidzoo_backbone('vit_tiny')
    head = {'module.head.mlp.0.weight': torch.ones(2, 2)}
    zeros = {name: torch.zeros_like(t) for name, t in state.items()}
    checkpoint = {
        'teacher': {**prefixed(state, 'module.backbone.'), **head},
        'student': {**prefixed(zeros, 'module.backbone.'), **head},
        'dino_loss': {'center': torch.ones(1, 2)},
    }
    expected, _ = convert_weights(state, 'reidzoo')
    converted, report = convert_weights(checkpoint, 'transreid-ssl')
    assert report.name == 'vit_tiny' and equal(converted, expected)
    bare = {**state, 'fc.bias': torch.ones(1000)}
    assert equal(convert_weights(bare, 'transreid-ssl')[0], expected)


def test_part_tokens_of_pass_are_refused():
    state = reidzoo_backbone('vit_tiny')
    state['part_token1'] = torch.zeros(1, 1, 192)
    with pytest.raises(UserError, match='part tokens'):
        convert_weights({'teacher': state}, 'transreid-ssl')


@pytest.mark.parametrize(
    'arch',
    [
        'resnet18_ibn',
        'ghostnet_0_5',
        *(
            pytest.param(name, marks=pytest.mark.slow)
            for name in SMALLEST
            if name not in ('resnet18_ibn', 'ghostnet_0_5')
        ),
    ],
)
def test_reidzoo(tmp_path, arch):
    prefix = reidzoo_keys()[arch]['prefix']
    weights = reidzoo_backbone(arch)
    teacher = prefixed(weights, prefix)
    student = {name: tensor + 1 for name, tensor in teacher.items()}
    path = tmp_path / 'released.pth'
    torch.save({'teacher': teacher, 'student': student}, path)

    file, report = convert_file(
        path, tmp_path / 'out.pth', 'reidzoo', add_hash=True
    )

    assert report.name == arch and file.stem.startswith('out-')
    expected, _ = convert_weights(weights, 'reidzoo', arch=arch)
    found, _ = read_model_file(file)
    for name, tensor in found.items():
        wanted = expected[name.removeprefix('backbone.')]
        torch.testing.assert_close(tensor, wanted.to(tensor.dtype))
    file, report = convert_file(
        path, tmp_path / 'b.pth', 'reidzoo', role='student'
    )
    found, _ = read_model_file(file)
    name = next(name for name in found if name.endswith('.bias'))
    wanted = expected[name.removeprefix('backbone.')] + 1
    torch.testing.assert_close(found[name], wanted.to(found[name].dtype))


def test_role_that_is_not_there():
    checkpoint = {'teacher': reidzoo_backbone('ghostnet_0_5')}
    with pytest.raises(UserError, match='it has no student, but a teacher'):
        convert_weights(checkpoint, 'reidzoo', role='student')


def test_partial_weights(tmp_path, resnet):
    state = resnet.state_dict()
    del state['layer4.1.conv2.weight']
    path = tmp_path / 'weights.pth'
    torch.save(state, path)
    out = tmp_path / 'out.pth'
    with pytest.raises(
        UserError, match=r'weights.pth: its arch.* nearest: .*resnet18'
    ):
        convert_file(path, out, 'torchvision')
    with pytest.raises(
        UserError, match=r'1 missing \(layer4\.1\.conv2.*--allow'
    ):
        convert_file(path, out, 'torchvision', arch='resnet18')
    assert not out.exists()
    _, report = convert_file(
        path, out, 'torchvision', arch='resnet18', allow_partial=True
    )
    assert report.coverage < 1
    found, spec = read_model_file(out)
    assert spec.notes['random'] == ['layer4.1.conv2.weight']
    name = 'conv1.weight'
    assert torch.equal(found[f'backbone.{name}'], state[name])


def test_safetensors(tmp_path, resnet):
    path = tmp_path / 'model.safetensors'
    save_file({**resnet.state_dict(), **HEAD}, path)
    _, report = convert_file(path, tmp_path / 'out.pth', 'timm')
    assert report.name == 'resnet18'


def test_statistics_may_be_given(tmp_path, resnet):
    path = tmp_path / 'weights.pth'
    torch.save(resnet.state_dict(), path)
    half = (0.5, 0.5, 0.5)
    file, _ = convert_file(
        path,
        tmp_path / 'out.pth',
        'fast-reid',
        mean=half,
        std=half,
        input_size=(384, 128),
    )
    _, spec = read_model_file(file)
    assert spec.mean == spec.std == [0.5, 0.5, 0.5]
    assert spec.input_size == [384, 128]
    assert spec.statistics == 'custom'


@pytest.mark.parametrize('add_hash', [True, False])
def test_input_is_never_written_over(tmp_path, resnet, add_hash):
    path = tmp_path / 'weights.pth'
    torch.save(resnet.state_dict(), path)
    before = path.read_bytes()
    if add_hash:
        convert_file(path, path, 'torchvision', add_hash=True)
    else:
        with pytest.raises(UserError, match=r'weights\.pth is the file that'):
            convert_file(path, path, 'torchvision')
    assert path.read_bytes() == before


def test_half_of_the_statistics(tmp_path, resnet):
    content = fast_reid(resnet.state_dict())
    del content['model']['pixel_std']
    path, out = tmp_path / 'weights.pth', tmp_path / 'out.pth'
    torch.save(content, path)
    with pytest.raises(
        UserError, match=r'weights\.pth: it has pixel_mean, .* --std'
    ):
        convert_file(path, out, 'fast-reid')
    file, _ = convert_file(path, out, 'fast-reid', std=(0.5, 0.5, 0.5))
    _, spec = read_model_file(file)
    assert spec.mean == pytest.approx([0.35, 0.31, 0.314])
    assert spec.std == [0.5, 0.5, 0.5]


def test_partial_weights_are_the_same_every_time(resnet):
    state = resnet.state_dict()
    del state['layer4.1.conv2.weight'], state['bn1.num_batches_tracked']
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    options = {'arch': 'resnet18', 'allow_partial': True}
    first, report = convert_weights(state, 'torchvision', **options)
    again, _ = convert_weights(state, 'torchvision', **options)
    # random numbers of the caller are left alone
    assert torch.equal(torch.rand(3), expected)
    assert report.missing == ['layer4.1.conv2.weight']
    build_backbone('resnet18').load_state_dict(first)
    assert equal(first, again)


def test_other_structures_are_refused_even_in_part(resnet):
    options = {'arch': 'resnet18', 'allow_partial': True}
    more = {**resnet.state_dict(), 'extra.weight': torch.ones(2)}
    for state in (more, {}):
        with pytest.raises(UserError, match='has another structure'):
            convert_weights(state, 'torchvision', **options)


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
    match = rf'% of {wanted}: .*It looks like {given} \(100%'
    # names and shapes alone tell them apart
    state = {
        name: torch.empty(shape, device='meta')
        for name, shape, _ in reidzoo_keys()[given]['keys']
    }
    with pytest.raises(UserError, match=match):
        convert_weights(state, 'reidzoo', arch=wanted)


def test_all_that_differs_is_named():
    state = reidzoo_backbone('ghostnet_0_5')
    del state['conv_head.bias'], state['bn1.weight']
    state['conv_stem.weight'] = torch.ones(8, 1, 3, 3)
    state['strange.weight'] = torch.ones(2)
    with pytest.raises(UserError) as error:
        convert_weights(state, 'reidzoo', arch='ghostnet_0_5')
    for words in (
        'of ghostnet_0_5: 507 tensors found, 2 missing (model.bn1.weight',
        '1 unexpected (model.strange.weight)',
        '(model.conv_stem.weight (8, 1, 3, 3), not (8, 3, 3, 3))',
    ):
        assert words in str(error.value)


def test_foreign_weights():
    for state in ({'a.weight': torch.ones(2)}, {}):
        with pytest.raises(UserError, match='not recognised among R'):
            convert_weights(state, 'reidzoo')
        with pytest.raises(UserError, match=r'0\.0% of vit_tiny'):
            convert_weights(state, 'reidzoo', arch='vit_tiny')
    with pytest.raises(UserError, match='got a list'):
        convert_weights([], 'reidzoo')
