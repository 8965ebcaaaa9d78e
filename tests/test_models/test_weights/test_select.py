import pytest
import torch
from torch import nn

from mmcion.models.weights import select
from mmcion.utils.checks import UserError


def weights(value):
    """Return weights of a backbone, all of one value."""
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
    state = network.state_dict()
    return {name: torch.full_like(t, value) for name, t in state.items()}


def prefixed(prefix, value):
    return {prefix + name: t for name, t in weights(value).items()}


HEAD = {'neck.fc.weight': torch.ones(2, 2), 'center': torch.ones(3)}


def nested(state):
    """As CION saves it: a dictionary per network."""
    names = {k.removeprefix('teacher.'): t for k, t in state.items()}
    return {'teacher': {**names, **HEAD}}


@pytest.mark.parametrize(
    ('prefix', 'wrap'),
    [
        ('', lambda state: state),
        ('', lambda state: {'state_dict': state, 'meta': {'epoch': 1}}),
        ('', lambda state: {'model': state}),
        ('module.', lambda state: {'state_dict': state}),
        ('base.', lambda state: state),
        ('module.base.', lambda state: state),
        ('backbone.', lambda state: {'state_dict': {**state, **HEAD}}),
        ('module.backbone.', lambda state: {'state_dict': {**state, **HEAD}}),
        ('teacher.backbone.', lambda state: {'state_dict': state}),
        ('teacher.module.backbone.', lambda state: {'state_dict': state}),
        ('teacher.module.backbone.', nested),
    ],
)
def test_origins_are_understood(prefix, wrap):
    found = select(wrap(prefixed(prefix, 3)))
    assert found.prefix == prefix
    assert found.tensors.keys() == weights(0).keys()
    assert all((t == 3).all() for t in found.tensors.values())


def both(style):
    if style == 'ours':
        state = {
            **prefixed('teacher.backbone.', 1),
            **prefixed('student.backbone.', 2),
        }
        return {'state_dict': {**state, **HEAD}}
    return {
        'teacher': prefixed('module.backbone.', 1),
        'student': prefixed('module.backbone.', 2),
    }


@pytest.mark.parametrize('style', ['ours', 'cion'])
@pytest.mark.parametrize(
    ('role', 'value'), [('teacher', 1), ('student', 2), (None, 1)]
)
def test_teacher_or_student(role, value, style):
    found = select(both(style), role=role)
    assert found.role == (role or 'teacher')
    assert found.tensors['0.bias'].mean() == value


@pytest.mark.parametrize(
    'wrap',
    [
        lambda who: {who: prefixed('module.backbone.', 1)},
        lambda who: {'state_dict': prefixed(f'{who}.backbone.', 1)},
        lambda who: prefixed(f'{who}.module.backbone.', 1),
    ],
)
@pytest.mark.parametrize(
    ('there', 'other'), [('teacher', 'student'), ('student', 'teacher')]
)
def test_role_that_is_there(wrap, there, other):
    for role in (None, there):
        assert select(wrap(there), role=role).role == there
    with pytest.raises(UserError, match=f'no {other}, but a {there}'):
        select(wrap(there), role=other)


def test_checkpoints_without_roles():
    for checkpoint in (weights(1), {'model': weights(1)}):
        assert select(checkpoint, role='student').role is None


def test_necks():
    state = {**prefixed('backbone.', 1), **prefixed('neck.', 2)}
    found = select({'state_dict': state}, 'neck')
    assert found.prefix == 'neck.'
    assert found.tensors['0.bias'].mean() == 2
    for checkpoint in (prefixed('backbone.', 1), weights(1), {'epoch': 3}):
        assert select(checkpoint, 'neck').tensors == {}


def test_whole_network():
    state = {**prefixed('backbone.', 1), **prefixed('attention.', 2)}
    for prefix in ('', 'module.'):
        named = {prefix + name: t for name, t in state.items()}
        assert select({'state_dict': named}, '').tensors.keys() == state.keys()


def test_not_a_dictionary():
    for content in ([torch.ones(3)], 3):
        with pytest.raises(UserError, match=type(content).__name__):
            select(content)


def test_keys_that_are_no_names_are_left_out():
    state = {**prefixed('student.backbone.', 2), 0: torch.ones(1), None: 1}
    for checkpoint in (state, {'state_dict': state}):
        found = select(checkpoint)
        assert found.role == 'student'
        assert found.tensors.keys() == weights(0).keys()


def test_checkpoint_names_the_network_that_is_released():
    checkpoint = both('ours')
    assert select(checkpoint).role == 'teacher'
    checkpoint['meta'] = {'released': 'student'}
    found = select(checkpoint)
    assert found.role == 'student'
    assert all((t == 2).all() for t in found.tensors.values())
    assert select(checkpoint, role='teacher').role == 'teacher'
