"""Every tool explains itself, quickly and without the heavy packages."""

import json
import subprocess
import sys

from mmcion.utils.packaged import MIM

from ..tool_utils import TOOLS

# they take seconds to import
HEAVY = (
    *('cv2', 'faiss', 'matplotlib', 'mmcv', 'mmpretrain', 'numba', 'onnx'),
    *('pandas', 'scipy', 'sklearn', 'timm', 'torch', 'torchvision'),
)
# prints {tool: [exit status, output, error]}; one process for all of them
ASK_ALL = """
import contextlib, io, json, runpy, sys, traceback

class Refuse:
    def find_spec(name, path=None, target=None):
        if name in HEAVY:
            raise RuntimeError(f'{name} is imported')

sys.meta_path.insert(0, Refuse)
folder, HEAVY, *tools = json.loads(sys.argv[1])
answers = {}
path = sys.path[:]
for tool in tools:
    sys.argv = [f'{folder}/{tool}', '--help']
    out, error, status = io.StringIO(), '', None
    with contextlib.redirect_stdout(out):
        try:
            runpy.run_path(sys.argv[0], run_name='__main__')
        except SystemExit as end:
            status = end.code
        except BaseException:
            error = traceback.format_exc()
    answers[tool] = [status, out.getvalue(), error]
    # nothing of this tool helps the next one
    sys.path[:] = path
    for name in [name for name in sys.modules if name.startswith('mmcion')]:
        del sys.modules[name]
print(json.dumps(answers))
"""


def test_help_comes_from_anywhere_without_heavy_imports(tmp_path):
    tools = sorted(
        path.relative_to(TOOLS).as_posix()
        for path in TOOLS.rglob('*.py')
        if 'parse_args' in path.read_text()
    )
    assert 'denoise.py' in tools
    # as run by the command mmcion
    words = json.dumps([str(MIM / 'tools'), HEAVY, *tools])
    done = subprocess.run(
        [sys.executable, '-c', ASK_ALL, words],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout)
    assert list(answers) == tools
    wrong = {
        tool: error or (status, text)
        for tool, (status, text, error) in answers.items()
        if status != 0 or 'usage:' not in text or 'example' not in text.lower()
    }
    assert not wrong, '\n\n'.join(f'{t}: {why}' for t, why in wrong.items())
    for tool, (_, text, _) in answers.items():
        name = tool.split('/')[-1].removesuffix('.py').replace('_', '-')
        assert text.startswith(f'usage: mmcion {name} ')
        assert 'python tools/' not in text and f'  mmcion {name} ' in text
    assert not list(tmp_path.iterdir())
