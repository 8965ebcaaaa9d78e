import json
import os
import shutil
from socket import gethostname

import pytest
from mmengine.dist import is_main_process

from mmcion.utils import result_folder
from mmcion.utils.checks import UserError
from mmcion.utils.result_folder import RECORD, ResultFolder, State

from ..dist_utils import run_on_ranks

SETTINGS = {'model': {'type': 'ResNet', 'size': (4, 2)}, 'checkpoint': None}
OTHER = {**SETTINGS, 'checkpoint': 'abc'}


class Killed(BaseException):
    pass


def results(out, settings=SETTINGS, **kwargs):
    return ResultFolder(out, 'features', settings=settings, **kwargs)


def work(out, text='done', kill=False, **kwargs):
    """Write a text unless it is there; return what was there before."""
    with results(out, **kwargs) as folder:
        if folder.is_complete:
            return 'reused'
        file = folder.path / 'text'
        before = file.read_text() if file.exists() else None
        file.write_text(text)
        if kill:
            raise Killed
        folder.finish()
        assert folder.path == folder.out
        return before


def interrupt(*args, **kwargs):
    with pytest.raises(Killed):
        work(*args, kill=True, **kwargs)


@pytest.fixture
def out(tmp_path):
    return tmp_path / 'results' / 'out'


@pytest.fixture(autouse=True)
def nothing_beside(out):
    """Check that no folder or lock stays beside the results."""
    yield
    if out.parent.exists():
        assert [path.name for path in out.parent.iterdir()] in ([], ['out'])


def test_written_once_then_reused(out):
    assert work(out) is None
    record = json.loads((out / RECORD).read_text())
    assert record == {
        'version': 1,
        'kind': 'features',
        'settings': {
            'model': {'type': 'ResNet', 'size': [4, 2]},
            'checkpoint': None,
        },
        'inputs': {},
        'complete': True,
    }
    assert work(out, 'never written') == 'reused'
    assert (out / 'text').read_text() == 'done'


def test_interrupted_run_is_resumed(out):
    interrupt(out, 'half')
    assert results(out).state(out) is State.INCOMPLETE
    assert work(out) == 'half'
    assert results(out).state(out) is State.COMPLETE


def test_files_of_a_killed_process_are_removed(out):
    interrupt(out)
    (out / '.text.12345678.tmp').touch()
    (out / '.table.12345678.tmp').mkdir()
    (out / 'stages' / '.level.tmp').mkdir(parents=True)
    work(out)
    names = sorted(path.name for path in out.iterdir())
    assert names == [RECORD, 'stages', 'text']
    assert not any((out / 'stages').iterdir())


def test_killed_when_the_results_were_there(out):
    work(out)
    for suffix in ('old', 'trash'):
        (out.parent / f'.out.{suffix}' / 'a').mkdir(parents=True)
    (out.parent / '.out.lock').touch()
    assert work(out) == 'reused'


def test_killed_before_there_is_a_record(out):
    out.mkdir(parents=True)
    (out / f'.{RECORD}.12345678.tmp').touch()
    assert work(out) is None


def test_run_that_failed_at_once_left_nothing(out):
    with pytest.raises(Killed), results(out, OTHER):
        raise Killed
    assert work(out) is None


@pytest.mark.parametrize(
    ('changed', 'difference'),
    [
        ({'settings': OTHER}, 'settings.checkpoint was null, is "abc"'),
        (
            {'settings': {**SETTINGS, 'model': {'type': 'ViT'}}},
            'settings.model.size was [4, 2], is missing, '
            'settings.model.type was "ResNet", is "ViT"',
        ),
        ({'inputs': {'table': '77'}}, 'inputs.table was missing, is "77"'),
    ],
)
@pytest.mark.parametrize('complete', [True, False])
def test_other_settings_or_inputs(out, changed, difference, complete):
    (work if complete else interrupt)(out)
    with pytest.raises(UserError) as error:
        work(out, **changed)
    assert difference in str(error.value)
    assert ('unfinished' in str(error.value)) is not complete
    assert (out / 'text').read_text() == 'done'
    assert work(out, 'new', overwrite=True, **changed) is None
    assert (out / 'text').read_text() == 'new'


def test_file_in_place_of_a_folder(out):
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text('a video')
    with pytest.raises(UserError, match='out is a file; give a folder'):
        work(out, overwrite=True)
    assert out.read_text() == 'a video'


def test_other_kind(out):
    work(out)
    with pytest.raises(UserError, match='kind was "features", is "tracklets"'):
        ResultFolder(out, 'tracklets', settings=SETTINGS).__enter__()


def test_long_settings_are_compared_by_their_hash(out):
    names = [f'{row}.jpg' for row in range(1000)]
    work(out, settings={'names': names})
    assert (out / RECORD).stat().st_size < 300
    assert work(out, settings={'names': names}) == 'reused'
    with pytest.raises(UserError, match=r'settings\.names'):
        work(out, settings={'names': names[::-1]})


@pytest.mark.parametrize('overwrite', [False, True])
def test_folder_without_a_record_is_never_touched(out, overwrite):
    out.mkdir(parents=True)
    (out / 'thesis.tex').touch()
    with pytest.raises(UserError, match=RECORD):
        work(out, overwrite=overwrite)
    assert [path.name for path in out.iterdir()] == ['thesis.tex']


@pytest.mark.parametrize(
    'record',
    [
        [1],
        None,
        {'kind': 'a run of another tool'},
        {'kind': 'features', 'settings': 1, 'inputs': {}, 'complete': True},
        {'kind': 'features', 'settings': {}, 'inputs': {}, 'complete': 'yes'},
    ],
)
def test_record_of_something_else(out, record):
    out.mkdir(parents=True)
    (out / RECORD).write_text(json.dumps(record))
    (out / 'thesis.tex').touch()
    with pytest.raises(UserError, match=RECORD):
        work(out, overwrite=True)


def test_current_folder(out, monkeypatch):
    out.mkdir(parents=True)
    monkeypatch.chdir(out)
    assert work('.') is None
    assert results(out).state('.') is State.COMPLETE


def test_results_that_appear_before_the_lock(out, monkeypatch):
    lock = result_folder._lock

    def late_lock(path):
        with monkeypatch.context() as patch:
            patch.setattr(result_folder, '_lock', lock)
            work(out, 'first')
        return lock(path)

    monkeypatch.setattr(result_folder, '_lock', late_lock)
    assert work(out, 'second') == 'reused'
    assert (out / 'text').read_text() == 'first'


def test_empty_folder_is_accepted(out):
    out.mkdir(parents=True)
    assert work(out) is None


@pytest.mark.parametrize('settings', [SETTINGS, OTHER])
def test_complete_results_stay_until_there_are_new_ones(out, settings):
    work(out, 'old')
    (out / 'more').touch()
    interrupt(out, 'half', settings=settings, overwrite=True)
    assert (out / 'text').read_text() == 'old'
    assert results(out).state(out) is State.COMPLETE
    again = {'settings': settings, 'overwrite': True}
    assert work(out, 'new', **again) == 'half'  # resumed
    assert (out / 'text').read_text() == 'new'
    assert not (out / 'more').exists()
    assert work(out, settings=settings) == 'reused'


def test_unfinished_results_are_replaced_at_once(out):
    interrupt(out, 'half', settings=OTHER)
    interrupt(out, 'new', overwrite=True)
    assert (out / 'text').read_text() == 'new'
    assert work(out, overwrite=True) == 'new'


@pytest.mark.parametrize('rename', [0, 1])
@pytest.mark.parametrize('overwrite', [True, False])
def test_killed_while_results_are_exchanged(
    out, monkeypatch, rename, overwrite
):
    work(out, 'old', settings=OTHER)
    renames = []

    def replace(source, target):
        if source.suffix != '.tmp':  # no single file
            renames.append(source)
            if len(renames) > rename:
                raise Killed
        os.rename(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(result_folder.os, 'replace', replace)
        with pytest.raises(Killed):
            work(out, 'new', overwrite=True)
    if rename == 0 and not overwrite:  # the old results are in their place
        with pytest.raises(UserError):
            work(out)
        overwrite = True
    assert work(out, 'again', overwrite=overwrite) in ('reused', None)
    assert results(out).state(out) is State.COMPLETE
    assert (out / 'text').read_text() in ('new', 'again')


def test_killed_while_old_results_are_removed(out, monkeypatch):
    interrupt(out, settings=OTHER)

    def rmtree(path, **_):
        if path.exists():
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(shutil, 'rmtree', rmtree)
        with pytest.raises(Killed):
            work(out, overwrite=True)
    assert work(out) is None


def test_second_run_at_once_is_refused(out):
    with results(out):
        owner = rf'out is in use by process {os.getpid()} on {gethostname()}'
        with pytest.raises(UserError, match=owner):
            work(out)
        with pytest.raises(UserError, match=owner):
            work(out, overwrite=True)
    assert work(out) is None
    with results(out, overwrite=True) as folder:
        assert work(out) == 'reused'  # the old ones can be read
        folder.finish()


def test_file_system_without_locks(out, monkeypatch):
    def flock(*_):
        raise OSError('no locks')

    monkeypatch.setattr(result_folder.fcntl, 'flock', flock)
    assert work(out) is None


def test_link_to_a_folder_stays_a_link(out, tmp_path):
    out.parent.mkdir()
    (tmp_path / 'disk').mkdir()
    out.symlink_to(tmp_path / 'disk')
    work(out)
    work(out, 'new', settings=OTHER, overwrite=True)
    assert out.is_symlink()
    assert (tmp_path / 'disk' / 'text').read_text() == 'new'


def write_on_rank(out):
    with results(out) as folder:
        if is_main_process():
            (folder.path / 'text').write_text('done')
        folder.finish()
    with results(out) as folder:
        assert folder.is_complete
    try:
        results(out, OTHER).__enter__()
    except UserError as error:
        return str(error)


def test_ranks_agree(out):
    first, second = run_on_ranks(write_on_rank, out)
    assert first == second
    assert 'settings.checkpoint' in first
