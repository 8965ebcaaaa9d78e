from ..test_datasets.test_reid.trees import MARKET, write_tree
from ..tool_utils import ROOT, run_tool

CONFIG = ROOT / 'configs/_base_/datasets/market1501_train.py'


def test_lists_are_written(tmp_path):
    write_tree(tmp_path / 'market', MARKET)
    command = (
        *('dataset_converters/reid2few_shot.py', CONFIG, '--out', 'lists'),
        *('--ratios', 0.5, 1, '--cfg-options'),
        'train_dataloader.dataset.data_root=market',
    )
    done = run_tool(*command, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert '0.50: 1 identities' in done.stdout
    assert 'or 2 images of all 2 identities' in done.stdout
    names = sorted(path.name for path in tmp_path.rglob('used_*'))
    assert names == [
        *('used_ids_0.50.txt', 'used_ids_1.00.txt'),
        *('used_ims_0.50.txt', 'used_ims_1.00.txt'),
    ]
    whole = (tmp_path / 'lists/few_ims/used_ims_1.00.txt').read_text()
    assert whole.splitlines() == [
        '0002_c1s1_000451_03.jpg; 0; 0',
        '0002_c2s1_000301_01.jpg; 0; 1',
        '0007_c6s3_077392_01.jpg; 1; 5',
    ]
    done = run_tool(*command, cwd=tmp_path)
    assert done.returncode == 1 and '--overwrite' in done.stderr
