import numpy as np

from mmcion.structures import AnnotationTable, FeatureStore

from ..tool_utils import run_tool


def test_whole_and_damaged_folders(tmp_path):
    AnnotationTable(['a', 'b'], [0, 1]).save(tmp_path / 'x' / 'annotation')
    FeatureStore(np.ones((2, 3))).save(tmp_path / 'x' / 'features')
    done = run_tool('verify.py', 'x', cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert '6 files are as they were written' in done.stdout

    array = tmp_path / 'x' / 'features' / 'features.npy'
    content = bytearray(array.read_bytes())
    content[-1] ^= 4
    array.write_bytes(content)
    (tmp_path / 'x' / 'annotation' / 'checksums.json').unlink()
    done = run_tool('verify.py', 'x', cwd=tmp_path)
    assert done.returncode == 1
    assert 'features.npy is damaged' in done.stderr
    assert 'annotation has no checksums.json' in done.stdout

    (tmp_path / 'x' / 'features' / 'checksums.json').unlink()
    done = run_tool('verify.py', 'x', cwd=tmp_path)
    assert done.returncode == 1
    assert 'x has no checksums.json' in done.stderr
