"""Weights of SOLIDER and SOLIDER-REID, in their published names."""

import re
from functools import cache

import pytest
import timm
import torch

from mmcion.models.weights import convert_file, convert_weights, open_file

from .. import solider
from .test_convert import prefixed


@cache
def weights_of(semantic):
    return solider.random_weights('tiny', semantic=semantic)


def solider_checkpoint(weights):
    """As SOLIDER saves a pre-training."""
    head = {'head.mlp.0.weight': torch.ones(2, 2)}
    zeros = {name: torch.zeros_like(t) for name, t in weights.items()}
    return {
        'student': prefixed({**zeros, **head}, 'module.backbone.'),
        'teacher': {**prefixed(weights, 'backbone.'), **head},
        'epoch': 100,
    }


def solider_reid_checkpoint(weights):
    """As SOLIDER-REID saves a fine-tuned model."""
    return {
        **prefixed(weights, 'base.'),
        'classifier.weight': torch.ones(2, 768),
        'bottleneck.weight': torch.ones(768),
    }


@pytest.mark.parametrize(
    ('source', 'wrap', 'prefix', 'other', 'mean'),
    [
        (
            'solider',
            solider_checkpoint,
            'teacher.backbone.',
            'teacher.head.mlp.0.weight',
            0.485,
        ),
        (
            'solider-reid',
            solider_reid_checkpoint,
            'base.',
            'bottleneck.weight',
            0.5,
        ),
    ],
)
@pytest.mark.parametrize('semantic', [True, False])
def test_solider(tmp_path, source, wrap, prefix, other, mean, semantic):
    weights = weights_of(semantic)
    path = tmp_path / 'swin_tiny.pth'
    torch.save(wrap(weights), path)

    file, report = convert_file(path, tmp_path / 'a.pth', source)

    arch = 'solider_swin_tiny' if semantic else 'padded_swin_tiny'
    assert report.name == arch and report.fits
    model = open_file(file)
    assert model.spec.arch == arch and model.spec.mean[0] == mean
    # every tensor is used, or reported
    unused = {n.removeprefix(prefix) for n in report.unused}
    no_effect = re.compile(
        r'norm[012]\.|semantic_embed_[wb]\.3\.|.*position_index$'
    )
    assert unused & weights.keys() == set(filter(no_effect.match, weights))
    assert len(report.found) == len(weights.keys() - unused)
    assert other in unused
    images = torch.randn(1, 3, 64, 32)
    expected = solider.forward(weights, images, 0.2)
    with torch.inference_mode():
        (found,) = model.backbone(images)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize('arch', ['small', 'base'])
@pytest.mark.parametrize('semantic', [True, False])
def test_solider_is_recognised(arch, semantic):
    weights = {
        name: torch.empty(shape, device='meta')
        for name, shape in solider.shapes(arch, semantic=semantic)
    }
    _, report = convert_weights({'model': weights}, 'solider')
    kind = 'solider' if semantic else 'padded'
    assert report.name == f'{kind}_swin_{arch}' and report.fits


def test_padded_swin_with_the_names_of_its_authors():
    with torch.device('meta'):
        network = timm.create_model('swin_tiny_patch4_window7_224')
        state = network.state_dict()
    # patch merging ends a stage there
    for i in (1, 2, 3):
        for name in [n for n in state if n.startswith(f'layers.{i}.down')]:
            state[name.replace(str(i), str(i - 1), 1)] = state.pop(name)
    state['layers.0.blocks.1.attn_mask'] = torch.ones(1)
    _, report = convert_weights(prefixed(state, 'base.'), 'solider-reid')
    assert report.name == 'padded_swin_tiny' and report.fits
