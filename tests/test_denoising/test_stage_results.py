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
    results.save(NAME, make_labels(), REPORT)
    return results


def make_labels():
    return IdentityLabels(np.array([0, -1, 0, 1], np.int32))


def assert_is_the_saved(found):
    labels, report = found
    assert labels.identity.dtype == np.int32
    assert labels.identity.tolist() == [0, -1, 0, 1]
    assert report == REPORT


def test_what_was_saved_comes_back(results, tmp_path):
    assert_is_the_saved(results.load(NAME))
    assert_is_the_saved(StageResults(tmp_path).load(NAME))
    files = sorted(path.name for path in (tmp_path / 'stages').iterdir())
    assert files == [f'{NAME}.json', f'{NAME}.npz']


def test_results_of_another_name_are_not_used(results):
    assert results.load('02_SomeDenoiser') is None


@pytest.mark.parametrize('suffix', ['.json', '.npz'])
@pytest.mark.parametrize('length', [0, 1, 0.5, -1])
def test_damaged_files_are_not_used(results, suffix, length):
    file = (results.folder / NAME).with_suffix(suffix)
    whole = file.read_bytes().rstrip()
    if isinstance(length, float):
        length = int(length * len(whole))
    file.write_bytes(whole[:length])
    assert results.load(NAME) is None
    file.unlink()
    assert results.load(NAME) is None


def test_result_without_its_labels_is_not_used(results):
    np.savez(results.folder / f'{NAME}.npz', other=np.zeros(4))
    assert results.load(NAME) is None


def test_without_a_folder_nothing_is_kept():
    results = StageResults(None)
    results.save(NAME, make_labels(), REPORT)
    assert results.load(NAME) is None
    assert results.rank_pool(NAME).folder is None


def test_finished_stage_has_no_chunks(results):
    for finish in (
        lambda: results.load(NAME),
        lambda: results.save(NAME, make_labels(), REPORT),
    ):
        chunks = results.rank_pool(NAME).folder
        other = results.rank_pool('02_SomeDenoiser').folder
        for folder in (chunks, other):
            folder.mkdir(exist_ok=True)
        finish()
        assert not chunks.exists()
        assert other.exists()


def save_and_load(folder):
    """Save and load on ranks of which each sees another folder."""
    results = StageResults(folder / f'rank{get_rank()}')
    before = results.load(NAME)
    # what a rank saves does not matter but on rank 0
    labels = make_labels() if get_rank() == 0 else None
    results.save(NAME, labels, REPORT)
    after = StageResults(folder / f'rank{get_rank()}').load(NAME)
    return before, after


def test_ranks_follow_rank_0_which_alone_sees_the_folder(tmp_path):
    for before, after in run_on_ranks(save_and_load, tmp_path):
        assert before is None
        assert_is_the_saved(after)
    assert (tmp_path / 'rank0').exists()
    assert not (tmp_path / 'rank1').exists()
