"""The tutorials run exactly as they are printed."""

import pytest

from mmcion.utils.io import read_json

from .page_utils import read_blocks, run_page
from .tool_utils import ROOT

TUTORIALS = sorted(x.stem for x in ROOT.glob('docs/tutorials/*.md'))
# what a reader has at the end, below work_dirs
RESULTS = {
    'dataset': 'people/report/report.html',
    'deploy': 'deploy/ranked.png',
    'gpus': 'gpus/scores.json',
    'module': 'module/scores.json',
    'tracker': 'tracker/scores.json',
    'video': 'street/scores/cion/epoch_1.json',
}


@pytest.mark.slow
@pytest.mark.parametrize('name', TUTORIALS)
def test_tutorial(name, tmp_path):
    printed = run_page(f'docs/tutorials/{name}.md', tmp_path)
    print(*printed, sep='\n')
    result = tmp_path / 'work_dirs' / RESULTS[name]
    assert result.is_file()
    if name == 'tracker':
        scores = read_json(result)
        switches = [x['identity switches'] for x in scores.values()]
        assert switches[1] < switches[0] / 2


def test_every_tutorial_has_commands_and_says_where_to_run_them():
    assert set(TUTORIALS) == set(RESULTS)
    for name in TUTORIALS:
        page = f'docs/tutorials/{name}.md'
        assert read_blocks(page, 'bash')
        assert '`.venv` active' in (ROOT / page).read_text()
