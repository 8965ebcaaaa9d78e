"""Mistakes on the command line end with one line and the right status.

Status 2: the command line itself is wrong (usage). Status 1: what it names is.
"""

import json

import numpy as np
import pytest

from ..tool_utils import ROOT

PRETRAIN = 'configs/cion/cion_mobilenet-v2_1xb48-5e_clips-128x64.py'
ZERO_SHOT = 'configs/eval/zero-shot_color-stripes_128x64.py'
LEVELS = 'configs/denoise/three-levels_auto.py'
TRACKLETS = 'extract_tracklets.py'
CONVERT = 'model_converters/convert_weights.py'
PUBLISH = 'model_converters/publish_model.py'
SPLIT = 'dataset_converters/tracklets2reid.py'
PACK = 'dataset_converters/pack_images.py'
SCORE = 'analysis_tools/eval_features.py'

# tool and words, words that the message must have, status
CASES = [
    # train
    ('train.py none.py', ['none.py'], 1),
    ('train.py {empty}', ['empty.py', 'model', 'configs/cion'], 1),
    ('train.py {broken}', ['broken.py'], 1),
    ('train.py {weights}', ['weights.pth', 'config'], 1),
    ('train.py {zero_shot}', ['train_dataloader'], 1),
    ('train.py {pretrain} --data none', ['none'], 1),
    ('train.py {pretrain} --data {minus_1}', ['-1'], 1),
    ('train.py {pretrain} --cfg-options batch', ['KEY=VALUE', 'batch'], 2),
    ('train.py {pretrain} --cfg-options modle.x=1', ['modle', 'model'], 1),
    (
        'train.py {pretrain} --data {good} --cfg-options '
        'train_dataloader.batchsize=4',
        ['batchsize', 'batch_size'],
        1,
    ),
    (
        'train.py {pretrain} --data {good} --cfg-options optim_wrapper.'
        'optimizer.lr=1e-3x',
        ['1e-3x', 'lr'],
        1,
    ),
    ('train.py {pretrain} --launcher mpi', ['mpi', 'slurm'], 2),
    ('train.py {pretrain} --data {good} --resume none.pth', ['none.pth'], 1),
    (
        'train.py {pretrain} --data {good} --cfg-options load_from=none.pth',
        ['none.pth'],
        1,
    ),
    # test
    ('test.py', ['config'], 2),
    ('test.py none.pth', ['none.pth'], 1),
    ('test.py {weights} {zero_shot}', ['weights.pth', 'CONFIG'], 1),
    ('test.py {zero_shot} none.pth', ['none.pth'], 1),
    ('test.py {pretrain}', ['test_dataloader'], 1),
    ('test.py {zero_shot} --rerank {zero_shot}', ['KEY=VALUE'], 2),
    ('test.py {zero_shot} --rerank k1=0', ['k1', '0'], 1),
    ('test.py {zero_shot} --rerank kk=3', ['kk', 'k1'], 1),
    ('test.py {zero_shot} --datasets market', ['market', 'market1501'], 1),
    ('test.py {zero_shot} --out {folder}', ['--out', 'folder'], 1),
    # denoising
    ('denoise.py', ['--table', '--features'], 2),
    (
        'denoise.py {levels} --table none --features none --out x',
        ['none'],
        1,
    ),
    (
        'denoise.py {levels} --table {good} --features none --out x',
        ['good.json'],
        1,
    ),
    # extraction
    (f'{TRACKLETS} none.mp4 --out x', ['none.mp4'], 1),
    (f'{TRACKLETS} rtsp://camera/1 --out x', ['rtsp://camera/1', 'file'], 1),
    (f'{TRACKLETS} {{good}} --out x', ['good.json'], 1),
    (f'{TRACKLETS} {{folder}} --out x', ['folder'], 1),
    (f'{TRACKLETS} {{folder}} --out x --stride 0', ['stride', '0'], 1),
    (f'{TRACKLETS} {{folder}} --out x --stride two', ['two'], 2),
    (f'{TRACKLETS} {{folder}} --out x --detector yolo', ['yolo', 'hog'], 2),
    ('extract_features.py none --out x', ['none'], 1),
    ('extract_features.py {folder} --out x', ['folder'], 1),
    # models
    ('export_model.py resnet999 --random-weights --out x.onnx', ['resnet999']),
    ('export_model.py resnet18 --out x.onnx', ['--weights'], 1),
    ('export_model.py resnet18 --weights none.pth --out x.onnx', ['none.pth']),
    (
        'export_model.py resnet18 --random-weights --out x.bin',
        ['x.bin', '.onnx'],
        1,
    ),
    (f'{CONVERT} {{weights}} --out x.pth', ['--from'], 2),
    (f'{CONVERT} none.pth --from timm --arch resnet18 --out x.pth', ['none']),
    (f'{CONVERT} {{good}} --from timm --arch resnet18 --out x.pth', ['good']),
    (f'{PUBLISH} none.pth --out x.pth', ['none.pth'], 1),
    (f'{PUBLISH} {{good}} --out x.pth', ['good.json'], 1),
    ('analysis_tools/get_flops.py resnet5', ['resnet5', 'resnet50'], 1),
    (
        'analysis_tools/get_flops.py resnet18 --image-size 0 64',
        ['image', '0'],
        1,
    ),
    (
        'analysis_tools/benchmark.py resnet18 --device cuda:99',
        ['cuda:99'],
        1,
    ),
    (
        'analysis_tools/vis_cam.py resnet18 none.jpg --out x.png '
        '--random-weights',
        ['none.jpg'],
        1,
    ),
    # data
    (f'{SPLIT} none --out x.csv', ['none'], 1),
    (f'{SPLIT} {{folder}} --out x.csv', ['folder'], 1),
    ('dataset_converters/csv2tracklets.py none.csv --out x', ['none.csv'], 1),
    (
        'dataset_converters/csv2tracklets.py {camid} --out x',
        ['camid.csv', 'video'],
        1,
    ),
    ('dataset_converters/luperson2tracklets.py none --out x', ['none'], 1),
    (f'{PACK} --out x', ['source'], 2),
    (f'{PACK} none --out x', ['none'], 1),
    # evaluation
    (f'{SCORE} none.npz', ['none.npz'], 1),
    (f'{SCORE} {{good}}', ['good.json'], 1),
    (f'{SCORE} {{features}} --ranks 0', ['ranks', '0'], 1),
    (f'{SCORE} {{features}} --qe k=0', ['k', '0'], 1),
    (f'{SCORE} {{features}} --protocol type=Mine', ['Mine'], 1),
    (f'{SCORE} {{features}} --fpr 2', ['fpr', '2'], 1),
    ('analysis_tools/eval_identities.py a.npy b.npy', ['a.npy'], 1),
    ('analysis_tools/browse_dataset.py {levels}', ['test_dataloader'], 1),
    (
        'analysis_tools/calibrate_threshold.py {features} {weights} '
        '--false-match-rate 2',
        ['false_match_rate', '2'],
        1,
    ),
]


@pytest.fixture(scope='module')
def paths(tmp_path_factory):
    """Return paths of files by the names that the cases use."""
    folder = tmp_path_factory.mktemp('wrong')
    (folder / 'empty.py').write_text('a = 1\n')
    (folder / 'broken.py').write_text('a = (\n')
    (folder / 'weights.pth').write_bytes(b'no weights')
    (folder / 'folder').mkdir()
    for name, first in (('good', 0), ('minus_1', -1)):
        entries = [
            {'file_path': f'{row}.jpg', 'id': first + row // 4}
            for row in range(32)
        ]
        (folder / f'{name}.json').write_text(json.dumps(entries))
    (folder / 'camid.csv').write_text('path,pid,camid\na.jpg,1,2\n')
    np.savez(
        folder / 'features.npz',
        features=np.eye(4, dtype=np.float32),
        pid=[0, 1, 0, 1],
        cam_id=[0, 0, 1, 1],
        is_query=[True, True, False, False],
    )
    paths = {path.stem: path for path in folder.iterdir()}
    configs = {'pretrain': PRETRAIN, 'zero_shot': ZERO_SHOT, 'levels': LEVELS}
    return paths | {name: ROOT / path for name, path in configs.items()}


@pytest.mark.parametrize('case', CASES, ids=lambda case: case[0])
def test_mistake_is_named_in_a_line(case, paths, call_tool, capfd):
    command, words, status = (*case, 1)[:3]
    tool, *arguments = (word.format(**paths) for word in command.split())
    with pytest.raises(SystemExit) as stop:
        call_tool(tool, *arguments)
    error = capfd.readouterr().err
    assert stop.value.code == status, error
    assert 'Traceback' not in error
    *_, message = error.rstrip().split('error: ')
    assert '\n' not in message
    assert [word for word in words if word not in message] == []
