import pytest
import torch
from torch import nn

from mmcion.models.utils import load_backbone
from mmcion.models.utils.weight_io import backbone_tensors, find_role


def make_backbone():
    return nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))


def weights(value):
    """Return weights of the backbone, all of one value."""
    state = make_backbone().state_dict()
    return {name: torch.full_like(t, value) for name, t in state.items()}


def prefixed(prefix, value):
    return {prefix + name: t for name, t in weights(value).items()}


def values(backbone):
    return {t.float().mean().item() for t in backbone.state_dict().values()}


def save(folder, checkpoint):
    torch.save(checkpoint, folder / 'a.pth')
    return folder / 'a.pth'


HEAD = {'neck.fc.weight': torch.ones(2, 2), 'center': torch.ones(3)}


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
        ('module.backbone.', lambda state: {'teacher': {**state, **HEAD}}),
        ('teacher.backbone.', lambda state: {'state_dict': state}),
        ('teacher.module.backbone.', lambda state: {'state_dict': state}),
    ],
)
def test_origins_are_understood(tmp_path, prefix, wrap):
    file = save(tmp_path, wrap(prefixed(prefix, 3)))
    backbone = make_backbone()

    report = load_backbone(backbone, file)

    assert report.prefix == prefix
    assert report.coverage == 1
    assert sorted(report.loaded) == sorted(backbone.state_dict())
    assert values(backbone) == {3}


@pytest.mark.parametrize(('source', 'value'), [('teacher', 1), ('student', 2)])
@pytest.mark.parametrize('style', ['ours', 'cion'])
def test_teacher_or_student(tmp_path, source, value, style):
    if style == 'ours':
        state = {
            **prefixed('teacher.backbone.', 1),
            **prefixed('student.backbone.', 2),
        }
        checkpoint = {'state_dict': state}
    else:
        checkpoint = {
            'teacher': prefixed('module.backbone.', 1),
            'student': prefixed('module.backbone.', 2),
        }
    backbone = make_backbone()
    load_backbone(backbone, save(tmp_path, checkpoint), source=source)
    assert values(backbone) == {value}


def test_only_the_student_is_there(tmp_path):
    file = save(tmp_path, {'state_dict': prefixed('student.backbone.', 2)})
    with pytest.raises(ValueError, match=r'fits 0\.0% of the backbone'):
        load_backbone(make_backbone(), file)


def test_counter_of_old_checkpoints_may_be_missing(tmp_path):
    state = weights(3)
    del state['1.num_batches_tracked']
    backbone = make_backbone()
    report = load_backbone(backbone, save(tmp_path, state))
    assert report.coverage == 1
    assert '1.num_batches_tracked' not in report.loaded
    assert backbone[1].num_batches_tracked == 0


def test_complaint_lists_what_is_amiss_and_loads_nothing(tmp_path):
    state = weights(3)
    del state['1.bias'], state['1.running_mean']
    state['0.weight'] = torch.ones(4, 5, 1, 1)
    backbone = make_backbone()
    before = {k: v.clone() for k, v in backbone.state_dict().items()}

    with pytest.raises(ValueError) as error:
        load_backbone(backbone, save(tmp_path, state))

    text = str(error.value)
    assert 'a.pth fits 57.1% of the backbone' in text  # 4 of 7
    assert '2 tensors are missing (1.bias, 1.running_mean' in text
    assert '1 tensors have another shape (0.weight)' in text
    assert 'not known' not in text and '(, ' not in text
    assert 'holds 5 tensors such as 0.weight, 0.bias, 1.weight' in text
    assert 'load_backbone(min_coverage=...) accepts it' in text
    for name, tensor in backbone.state_dict().items():
        assert torch.equal(tensor, before[name])


def test_lower_coverage_loads_what_fits(tmp_path):
    state = weights(3)
    state['0.weight'] = torch.ones(4, 5, 1, 1)
    backbone = make_backbone()
    report = load_backbone(backbone, save(tmp_path, state), min_coverage=0.8)
    assert report.mismatched == ['0.weight']
    assert report.coverage == pytest.approx(6 / 7)
    assert backbone[0].bias.mean() == 3
    assert backbone[0].weight.mean() != 1


def test_not_a_dictionary(tmp_path):
    file = save(tmp_path, [torch.ones(3)])
    with pytest.raises(ValueError, match='this one holds a list'):
        load_backbone(make_backbone(), file)


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match='no checkpoint'):
        load_backbone(make_backbone(), tmp_path / 'none.pth')


def test_first_source_that_is_there_is_taken():
    whole = {
        **prefixed('student.backbone.', 2),
        **prefixed('teacher.backbone.', 1),
        **HEAD,
    }
    for sources, prefix, value in (
        (('teacher', 'student'), 'teacher.backbone.', 1),
        (('student', 'teacher'), 'student.backbone.', 2),
    ):
        found, tensors = backbone_tensors({'state_dict': whole}, sources)
        assert found == prefix
        assert tensors.keys() == weights(0).keys()
        assert tensors['0.bias'].mean() == value
    alone = {'student': prefixed('module.backbone.', 2)}
    found, tensors = backbone_tensors(alone, ('teacher', 'student'))
    assert found == 'module.backbone.'
    assert tensors['0.bias'].mean() == 2


def test_weights_of_a_larger_backbone_are_refused(tmp_path):
    larger = {**weights(3), '2.weight': torch.ones(4)}
    file = save(tmp_path, larger)
    with pytest.raises(ValueError, match=r'are not known \(2\.weight\)'):
        load_backbone(make_backbone(), file)
    report = load_backbone(make_backbone(), file, min_coverage=0.9)
    assert report.unknown == ['2.weight']


@pytest.mark.parametrize('name', ['fc', 'head', 'classifier', 'model.fc'])
def test_classifiers_are_left_out(tmp_path, name):
    state = {**weights(3), f'{name}.weight': torch.ones(2, 4)}
    report = load_backbone(make_backbone(), save(tmp_path, state))
    assert report.coverage == 1 and not report.unknown


def test_complaint_of_a_checkpoint_without_tensors(tmp_path):
    file = save(tmp_path, {'epoch': 3})
    with pytest.raises(ValueError) as error:
        load_backbone(make_backbone(), file)
    text = str(error.value)
    assert 'of the backbone: 6 tensors are missing (0.weight,' in text
    assert 'another shape (' not in text and 'holds 0 tensors.' in text


def test_keys_that_are_no_names_are_left_out():
    state = {**prefixed('student.backbone.', 2), 0: torch.ones(1), None: 1}
    for checkpoint in (state, {'state_dict': state}):
        _, tensors = backbone_tensors(checkpoint, ('student',))
        assert tensors.keys() == weights(0).keys()
        assert find_role(checkpoint, None) == 'student'


@pytest.mark.parametrize(
    'wrap',
    [
        lambda who: {who: prefixed('module.backbone.', 1)},
        lambda who: {'state_dict': prefixed(f'{who}.backbone.', 1)},
        lambda who: prefixed(f'{who}.module.backbone.', 1),
    ],
)
def test_role_that_is_there(wrap):
    teacher, student = wrap('teacher'), wrap('student')
    assert find_role(teacher, None) == find_role(teacher, 'teacher')
    assert find_role(student, None) == 'student'
    with pytest.raises(ValueError, match='it has no student, but a teacher'):
        find_role(teacher, 'student')
    both = {**teacher, **student}
    if 'state_dict' in both:
        both = {
            'state_dict': {**teacher['state_dict'], **student['state_dict']}
        }
    assert find_role(both, None) == 'teacher'
    assert find_role(both, 'student') == 'student'


def test_checkpoints_without_roles():
    for checkpoint in (weights(1), {'model': weights(1)}, [1]):
        assert find_role(checkpoint, 'student') is None
