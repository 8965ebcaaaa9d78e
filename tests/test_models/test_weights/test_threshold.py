from dataclasses import replace

import pytest
import torch

from mmcion.models import build_backbone
from mmcion.models.weights import (
    ModelSpec,
    read_model_file,
    save_model_file,
    store_threshold,
)
from mmcion.utils.checks import UserError
from mmcion.utils.io import hash_file

ARCH = 'ghostnet_0_5'
THRESHOLD = {'similarity': 0.6125, 'false_match_rate': 1e-3}


def save(path, add_hash=False, **options):
    torch.manual_seed(0)
    spec = ModelSpec.from_architecture(ARCH, source='a test', **options)
    backbone = build_backbone(ARCH)
    return save_model_file(path, backbone, spec, add_hash=add_hash)


def test_all_else_stays_as_it_was(tmp_path):
    path = save(tmp_path / 'a.pth', notes={'remark': [1, 2]})
    before, (state, spec) = path.read_bytes(), read_model_file(path)
    found = store_threshold(
        path, {**THRESHOLD, 'num_wrong': 9}, tmp_path / 'new' / 'b.pth'
    )
    assert found == tmp_path / 'new' / 'b.pth'
    after, other = read_model_file(found)
    assert other == replace(spec, threshold={**THRESHOLD, 'num_wrong': 9})
    assert list(after) == list(state)
    for name, tensor in state.items():
        assert after[name].dtype == tensor.dtype
        assert torch.equal(after[name], tensor)
    assert path.read_bytes() == before
    assert [file.name for file in (tmp_path / 'new').iterdir()] == ['b.pth']


def test_place_and_name_without_out(tmp_path):
    plain = save(tmp_path / 'a.pth')
    found = store_threshold(plain, THRESHOLD)
    assert found == tmp_path / 'a_calibrated.pth'
    with pytest.raises(UserError, match='is the file that is read'):
        store_threshold(found, THRESHOLD)
    hashed = save(tmp_path / 'b.pth', add_hash=True)
    found = store_threshold(hashed, THRESHOLD)
    assert found.name == f'b_calibrated-{hash_file(found)[:8]}.pth'
    assert read_model_file(found)[1].threshold == THRESHOLD
    other = store_threshold(found, {**THRESHOLD, 'similarity': 0.5})
    assert other.name == f'b_calibrated-{hash_file(other)[:8]}.pth'
    assert read_model_file(other)[1].threshold['similarity'] == 0.5


def test_input_is_not_written_over(tmp_path):
    path = save(tmp_path / 'a.pth')
    link = tmp_path / 'link.pth'
    link.symlink_to(path)
    before = path.stat()
    for out in (path, link):
        with pytest.raises(UserError, match='is the file that is read'):
            store_threshold(path, THRESHOLD, out)
    assert path.stat() == before
    assert len(list(tmp_path.iterdir())) == 2


def test_checkpoint_of_training_must_be_published_first(tmp_path):
    state = {'teacher.backbone.x': torch.ones(1)}
    torch.save({'state_dict': state, 'meta': {}}, tmp_path / 'epoch_1.pth')
    message = r'epoch_1.pth is no model file; .*publish_model.py .*epoch'
    with pytest.raises(UserError, match=message):
        store_threshold(
            tmp_path / 'epoch_1.pth', THRESHOLD, tmp_path / 'b.pth'
        )
    assert not (tmp_path / 'b.pth').exists()


@pytest.mark.parametrize(
    ('change', 'out', 'message'),
    [
        ({}, 'b.onnx', r"b\.onnx .* '\.pth'; got"),
        ({}, 'b-0123abcd.pth', 'ends in a hash, 0123abcd, .* to .*/b.pth or'),
        ({'similarity': float('nan')}, 'b.pth', r'similarity .*\[-1, 1\]; g'),
        ({'similarity': None}, 'b.pth', r'in \[-1, 1\]; got None'),
        ({'false_match_rate': 2}, 'b.pth', r'match_rate .*\[0, 1\]; got 2'),
    ],
)
def test_mistakes(tmp_path, change, out, message):
    path = save(tmp_path / 'a.pth')
    with pytest.raises(UserError, match=message):
        store_threshold(path, {**THRESHOLD, **change}, tmp_path / out)
    assert [file.name for file in tmp_path.iterdir()] == ['a.pth']
