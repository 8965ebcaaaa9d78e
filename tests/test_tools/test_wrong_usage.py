"""Mistakes on the command line end with one line and the right status.

Status 2: the command line itself is wrong (usage). Status 1: what it names is.
"""

import json

import numpy as np
import pytest

from mmcion.structures import ReIDFeatures

from ..tool_utils import ROOT

PRETRAIN = 'configs/cion/cion_mobilenet-v2_1xb48-5e_clips-128x64.py'
ZERO_SHOT = 'configs/eval/zero-shot_color-stripes_128x64.py'
LEVELS = 'configs/denoise/three-levels_auto.py'
ROUNDS = 'pretrain_rounds.py --work-dir x'
TRACKLETS = 'extract_tracklets.py'
CONVERT = 'model_converters/convert_weights.py'
PUBLISH = 'model_converters/publish_model.py'
SPLIT = 'dataset_converters/tracklets2reid.py'
PACK = 'dataset_converters/pack_images.py'
SCORE = 'analysis_tools/eval_features.py'
IDENTITIES = 'analysis_tools/eval_identities.py'

_ANN_FILE = '--cfg-options test_dataloader.dataset.ann_file'
SPLIT_OF_TEST = f'{_ANN_FILE}=none.csv'
NO_IMAGES = f'{_ANN_FILE}={{no_images}}'
ONE_SIDED = f'{_ANN_FILE}={{one_sided}}'

# tool and words, words that the message must have, status
CASES = [
    # train
    ('train.py none.py', ['none.py'], 1),
    ('train.py {empty}', ['empty.py', 'model', 'configs/cion'], 1),
    ('train.py {broken}', ['broken.py'], 1),
    ('train.py {zero_shot}', ['train_dataloader'], 1),
    ('train.py {pretrain} --data none', ['none'], 1),
    ('train.py {pretrain} --cfg-options batch', ['KEY=VALUE', 'batch'], 2),
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
    ('test.py {zero_shot} --show-dir {good}', ['--show-dir', 'good.json'], 1),
    ('test.py {zero_shot} none a.pth b.pth', ['b.pth'], 2),
    ('test.py {zero_shot} {good}', ['good.json'], 1),
    ('test.py {weights}', ['weights.pth'], 1),
    ('test.py {weights} none.pth', ['none.pth', 'CONFIG'], 1),
    ('test.py {zero_shot} {zero_shot}', ['CONFIG CHECKPOINT'], 1),
    ('test.py none.bin {zero_shot}', ['none.bin', 'CONFIG CHECKPOINT'], 1),
    ('test.py none.bin', ['none.bin'], 1),
    (
        'test.py {levels}',
        ['no model, test_dataloader or test_evaluator', 'configs/eval'],
        1,
    ),
    ('test.py {camid}', ['camid.csv is not a checkpoint', '.pth'], 1),
    ('test.py {zero_shot} --launcher pytorch', ['torchrun'], 1),
    ('test.py {zero_shot} --rerank k1', ['KEY=VALUE', 'k1'], 2),
    ('test.py {zero_shot} --qe k=two', ['k', 'two'], 1),
    ('test.py {zero_shot} --fpr -1', ['fpr', '-1'], 1),
    ('test.py {zero_shot} --datasets {levels}', ['three-levels'], 1),
    ('test.py {zero_shot} --datasets mars mars', ['mars', 'twice'], 1),
    ('test.py {zero_shot} --datasets mars=none', ['none'], 1),
    (f'test.py {{zero_shot}} {SPLIT_OF_TEST}', ['none.csv'], 1),
    (f'test.py {{zero_shot}} {NO_IMAGES}', ['8 of 8', 'data_root'], 1),
    (f'test.py {{zero_shot}} {ONE_SIDED}', ['no gallery'], 1),
    (
        f'test.py {{zero_shot}} {NO_IMAGES} test_dataloader.drop_last=True',
        ['drop_last'],
        1,
    ),
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
    # rounds
    ('pretrain_rounds.py', ['--table', '--work-dir'], 2),
    (f'{ROUNDS} {{pretrain}} --table none', ['none'], 1),
    (f'{ROUNDS} {{levels}} --table none', ['three-levels', 'cion'], 1),
    (f'{ROUNDS} {{pretrain}} --table none --rounds 0', ['rounds', '0'], 1),
    (f'{ROUNDS} {{pretrain}} --table none --min-ari 2', ['ari', '2'], 1),
    # extraction
    (f'{TRACKLETS} none.mp4 --out x', ['none.mp4'], 1),
    (f'{TRACKLETS} {{folder}} --out x', ['folder'], 1),
    (f'{TRACKLETS} {{folder}} --out x --stride 0', ['stride', '0'], 1),
    (f'{TRACKLETS} {{folder}} --out x --stride two', ['two'], 2),
    (f'{TRACKLETS} {{folder}} --out x --detector yolo', ['yolo', 'hog'], 2),
    ('extract_features.py none --out x', ['none'], 1),
    ('extract_features.py {folder} --out x', ['folder'], 1),
    (
        'extract_features.py none --out x --config {camid}',
        ['config', 'camid.csv', "'.py'"],
        1,
    ),
    (
        'extract_features.py none --out x --config {pretrain}',
        ['no test_dataloader, so it is not a test config'],
        1,
    ),
    (
        'extract_features.py none --out x --config {levels}',
        ['no model or test_dataloader, so'],
        1,
    ),
    # models
    ('export_model.py resnet999 --random-weights --out x.onnx', ['resnet999']),
    ('export_model.py resnet18 --weights none.pth --out x.onnx', ['none.pth']),
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
    (f'{PACK} none --out x', ['none'], 1),
    # evaluation
    (f'{SCORE} none.npz', ['none.npz'], 1),
    (f'{SCORE} {{good}}', ['good.json'], 1),
    (f'{SCORE} {{features}} --ranks 0', ['ranks', '0'], 1),
    (f'{SCORE} {{features}} --ranks two', ['two'], 2),
    (f'{SCORE} {{features}} --distance l2', ['l2', 'cosine'], 2),
    (f'{SCORE} {{features}} --qe k=0', ['k', '0'], 1),
    (f'{SCORE} {{features}} --qe 5', ['KEY=VALUE', '5'], 2),
    (f'{SCORE} {{features}} --qe k=2 --distance euclidean', ['cosine'], 1),
    (f'{SCORE} {{features}} --rerank k1=20.0', ['k1', '20.0'], 1),
    (f'{SCORE} {{features}} --rerank variant=best', ['best', 'zhong'], 1),
    (f'{SCORE} {{features}} --rerank', ['k1', '20'], 1),
    (f'{SCORE} {{features}} --protocol type=Mine', ['Mine'], 1),
    (f'{SCORE} {{features}} --protocol mode=all', ['None', 'Market'], 1),
    (f'{SCORE} {{features}} --protocol type=SYSUMM01Protocol x=1', ['x'], 1),
    (f'{SCORE} {{features}} --fpr 2', ['fpr', '2'], 1),
    (f'{SCORE} {{features}} --tracklets', ['tracklet_id', '0.jpg'], 1),
    (f'{SCORE} {{features}} --out {{folder}}', ['--out', 'folder'], 1),
    (f'{SCORE} {{features}} --show-dir {{good}}', ['--show-dir'], 1),
    (f'{SCORE} {{no_match}}', ['no query', 'gallery'], 1),
    (f'{SCORE} {{nan}}', ['NaN'], 1),
    (f'{SCORE} {{zero}}', ['zero'], 1),
    (f'{IDENTITIES} a.npy b.npy', ['a.npy'], 1),
    (f'{IDENTITIES} {{good}} {{good}}', ['good.json'], 1),
    (f'{IDENTITIES} {{ids}} {{nan_ids}}', ['nan'], 1),
    (f'{IDENTITIES} {{ids}} {{four_ids}}', ['true 3', 'found 4'], 1),
    (f'{IDENTITIES} {{ids}} {{ids}} --truth gt.csv', ['--truth'], 2),
    (f'{IDENTITIES} {{folder}} {{ids}} --truth gt.csv', ['folder'], 1),
    ('analysis_tools/browse_dataset.py {levels}', ['test_dataloader'], 1),
    ('analysis_tools/browse_dataset.py none.py', ['none.py'], 1),
    (
        'analysis_tools/browse_dataset.py {zero_shot} --identities 0 '
        f'{NO_IMAGES}',
        ['identities', '0'],
        1,
    ),
    (
        'analysis_tools/browse_dataset.py {zero_shot} --out a.txt',
        ['a.txt', '.png'],
        1,
    ),
    (
        'analysis_tools/browse_dataset.py {zero_shot} --split val',
        ['val', 'test'],
        2,
    ),
    (
        'analysis_tools/calibrate_threshold.py {features} {weights} '
        '--false-match-rate 2',
        ['false_match_rate', '2'],
        1,
    ),
    (
        'analysis_tools/calibrate_threshold.py {features} {weights} '
        '--false-match-rate 0.1',
        ['weights.pth'],
        1,
    ),
    (
        'analysis_tools/calibrate_threshold.py {weights} {features} '
        '--false-match-rate 0.1',
        ['FEATURES.npz MODEL.pth'],
        1,
    ),
    (
        'analysis_tools/calibrate_threshold.py {features}',
        ['MODEL', '--false-match-rate'],
        2,
    ),
    ('analysis_tools/denoise_report.py', ['--table'], 2),
    (
        'analysis_tools/denoise_report.py --table none --identities none',
        ['none'],
        1,
    ),
    ('analysis_tools/print_config.py none.py', ['none.py'], 1),
    ('analysis_tools/print_config.py {broken}', ['broken.py'], 1),
    ('analysis_tools/print_config.py {good} --cfg-options x', ['x'], 2),
    ('analysis_tools/model_table.py resnet5', ['resnet5', 'resnet50'], 1),
    ('analysis_tools/get_flops.py', ['MODEL'], 2),
    ('analysis_tools/get_flops.py none.pth', ['none.pth'], 1),
    ('analysis_tools/get_flops.py {weights}', ['weights.pth'], 1),
    ('analysis_tools/get_flops.py {levels}', ['model'], 1),
    (
        'analysis_tools/benchmark.py resnet18 --batch-sizes 0',
        ['batch', '0'],
        1,
    ),
    ('analysis_tools/benchmark.py resnet18 --backends tf', ['tf', 'eager'], 2),
    ('analysis_tools/benchmark.py resnet18 --device gpu', ['gpu', 'cuda'], 1),
    (
        'analysis_tools/vis_cam.py resnet18 {folder} --out x.png '
        '--random-weights',
        ['folder'],
        1,
    ),
    (
        'analysis_tools/vis_cam.py resnet18 {good} --out x.txt',
        ['--out', 'x.txt'],
        1,
    ),
    (
        'analysis_tools/vis_cam.py resnet18 {good} --out x.png '
        '--random-weights --max-images 0',
        ['--max-images', '0'],
        1,
    ),
    (
        'analysis_tools/vis_cam.py resnet18 {good} --out x.png '
        '--random-weights --device cuda:99',
        ['cuda:99'],
        1,
    ),
    (
        'analysis_tools/vis_cam.py resnet18 {good} --out x.png '
        '--random-weights',
        ['good.json'],
        1,
    ),
    ('train.py {weights}', ['weights.pth', 'config'], 1),
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
    (f'{TRACKLETS} rtsp://camera/1 --out x', ['rtsp://camera/1', 'file'], 1),
    (f'{TRACKLETS} {{good}} --out x', ['good.json'], 1),
    ('export_model.py resnet18 --out x.onnx', ['--weights'], 1),
    (
        'export_model.py resnet18 --random-weights --out x.bin',
        ['x.bin', '.onnx'],
        1,
    ),
    (
        'export_model.py resnet18 --random-weights --out {folder}.onnx',
        ['folder.onnx.json exists', '--overwrite'],
        1,
    ),
    (f'{PACK} --out x', ['SOURCE'], 2),
]


def write_features(path, **columns):
    """Write features of two identities from two cameras."""
    columns = {
        'feature': np.eye(4) + 0.1,
        'pid': [0, 1, 0, 1],
        'cam_id': [0, 0, 1, 1],
        'is_query': [True, True, False, False],
        'img_path': ['0.jpg', '1.jpg', '2.jpg', '3.jpg'],
        **columns,
    }
    ReIDFeatures(**columns).save(path)


@pytest.fixture(scope='module')
def paths(tmp_path_factory):
    """Return paths of files by the names that the cases use."""
    folder = tmp_path_factory.mktemp('wrong')
    (folder / 'empty.py').write_text('a = 1\n')
    (folder / 'broken.py').write_text('a = (\n')
    (folder / 'weights.pth').write_bytes(b'no weights')
    (folder / 'folder').mkdir()
    (folder / 'folder.onnx.json').write_text('{}')
    for name, first in (('good', 0), ('minus_1', -1)):
        entries = [
            {'file_path': f'{row}.jpg', 'id': first + row // 4}
            for row in range(32)
        ]
        (folder / f'{name}.json').write_text(json.dumps(entries))
    (folder / 'camid.csv').write_text('path,pid,camid\na.jpg,1,2\n')
    write_features(folder / 'features.npz')
    write_features(folder / 'no_match.npz', pid=[0, 1, 2, 3])
    write_features(folder / 'nan.npz', feature=np.full((4, 4), np.nan))
    write_features(folder / 'zero.npz', feature=np.zeros((4, 4)))
    np.save(folder / 'ids.npy', [0, 0, 1])
    np.save(folder / 'four_ids.npy', [0, 0, 1, 1])
    np.save(folder / 'nan_ids.npy', [0, np.nan, 1])
    for name, splits in (
        ('no_images', ['query', 'gallery']),
        ('one_sided', ['query', 'query']),
    ):
        rows = [
            f'{pid}_{cam}.jpg,{pid},{cam},{split}'
            for pid in range(4)
            for cam, split in enumerate(splits)
        ]
        lines = ['path,pid,cam_id,split', *rows, '']
        (folder / f'{name}.csv').write_text('\n'.join(lines))
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
