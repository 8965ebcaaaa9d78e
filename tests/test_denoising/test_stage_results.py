import json

import numpy as np
import pytest
from mmengine.dist import get_rank

from mmcion.denoising.stage_results import StageResults
from mmcion.structures import IdentityLabels

from ..dist_utils import run_on_ranks

NAME = '01_SomeDenoiser'
REPORT = {'images': 3, 'noise': {'sigma': 0.1 + 0.2}}


@pytest.fixture
def results(tmp_path):
    results = StageResults(tmp_path)
    results.save(NAME, 'key', make_labels(), REPORT)
    return results


def make_labels():
    return IdentityLabels(np.array([0, -1, 0, 1], np.int32))


def assert_is_the_saved(found):
    labels, report = found
    assert labels.identity.dtype == np.int32
    assert labels.identity.tolist() == [0, -1, 0, 1]
    assert report == REPORT


def test_what_was_saved_comes_back(results, tmp_path):
    assert_is_the_saved(results.load(NAME, 'key'))
    assert_is_the_saved(StageResults(tmp_path).load(NAME, 'key'))
    files = sorted(path.name for path in (tmp_path / 'stages').iterdir())
    assert files == [f'{NAME}.json', f'{NAME}.npz']


def test_another_key_or_name_is_not_used(results):
    assert results.load(NAME, 'other') is None
    assert results.load('02_SomeDenoiser', 'key') is None
    results.save(NAME, 'other', make_labels(), REPORT)
    assert results.load(NAME, 'key') is None
    assert_is_the_saved(results.load(NAME, 'other'))


@pytest.mark.parametrize('suffix', ['.json', '.npz'])
def test_files_of_two_runs_are_not_used_together(results, suffix):
    file = (results.folder / NAME).with_suffix(suffix)
    old = file.read_bytes()
    results.save(NAME, 'other', make_labels(), REPORT)
    file.write_bytes(old)
    assert results.load(NAME, 'key') is None
    assert results.load(NAME, 'other') is None


@pytest.mark.parametrize('suffix', ['.json', '.npz'])
@pytest.mark.parametrize('length', [0, 1, 0.5, -1])
def test_damaged_files_are_not_used(results, suffix, length):
    file = (results.folder / NAME).with_suffix(suffix)
    whole = file.read_bytes().rstrip()
    if isinstance(length, float):
        length = int(length * len(whole))
    file.write_bytes(whole[:length])
    assert results.load(NAME, 'key') is None
    file.unlink()
    assert results.load(NAME, 'key') is None


def test_result_without_its_arrays_or_key_is_not_used(results):
    np.savez(results.folder / f'{NAME}.npz', key=np.array('key'))
    assert results.load(NAME, 'key') is None
    results.save(NAME, 'key', make_labels(), REPORT)
    (results.folder / f'{NAME}.json').write_text(json.dumps(REPORT))
    assert results.load(NAME, 'key') is None


def test_without_a_folder_nothing_is_kept():
    results = StageResults(None)
    results.save(NAME, 'key', make_labels(), REPORT)
    assert results.load(NAME, 'key') is None
    assert results.rank_pool(NAME, 'key').folder is None


def test_chunks_of_another_key_lie_elsewhere(results, tmp_path):
    folders = {
        results.rank_pool(name, key).folder
        for name in ('01_A', '02_A')
        for key in ('one', 'other')
    }
    assert len(folders) == 4
    assert all(folder.parent == tmp_path / 'stages' for folder in folders)


def save_and_load(folder):
    """Save and load on ranks of which each sees another folder."""
    results = StageResults(folder / f'rank{get_rank()}')
    before = results.load(NAME, 'key')
    # what a rank saves does not matter but on rank 0
    labels = make_labels() if get_rank() == 0 else None
    results.save(NAME, 'key', labels, REPORT)
    after = StageResults(folder / f'rank{get_rank()}').load(NAME, 'key')
    return before, after, results.load(NAME, 'other')


def test_ranks_follow_rank_0_which_alone_sees_the_folder(tmp_path):
    for before, after, other in run_on_ranks(save_and_load, tmp_path):
        assert before is None
        assert_is_the_saved(after)
        assert other is None
    assert (tmp_path / 'rank0').exists()
    assert not (tmp_path / 'rank1').exists()
