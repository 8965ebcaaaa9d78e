import json

from ..test_apis.person_search import draw, write_recording
from ..tool_utils import TOOLS, run_tool

TOOL = 'find_person.py'


def test_answers_are_printed_and_written(tmp_path):
    write_recording(tmp_path / 'work_dirs')
    draw(tmp_path / 'a.png', 0, 100)
    options = ('--identities', 'work_dirs/identities', '--topk', 2)
    done = run_tool(TOOL, 'a.png', *options, '--out', 'a.json', cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert 'a.png (near: up to 0.300)' in done.stdout
    assert 'day-clip1: 0:04 to 0:07, frames 40 to 70, 4 images' in done.stdout
    (answer,) = json.loads((tmp_path / 'a.json').read_text())
    first, second = answer['matches']
    assert (first['identity'], first['near'], second['near']) == (
        2,
        True,
        False,
    )

    config = 'zero-shot_color-stripes_128x64.py'
    given = ('--config', TOOLS.parent / 'configs' / 'eval' / config)
    done = run_tool(
        TOOL, 'a.png', *options, *given, '--out', 'a.html', cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert 'probably this person' in (tmp_path / 'a.html').read_text()


def test_missing_identities(tmp_path):
    done = run_tool(TOOL, 'a.png', '--identities', 'none', cwd=tmp_path)
    assert done.returncode == 1
    assert 'identity.npy' in done.stderr
    assert 'Traceback' not in done.stderr
