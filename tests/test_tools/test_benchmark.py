import json

import pytest

from ..tool_utils import call_main, run_tool

TOOL = 'analysis_tools/benchmark.py'


def test_latency_and_throughput_by_batch_size(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    call_main(
        TOOL,
        'ResNet18',
        *('--backends', 'eager', 'onnxruntime'),
        *('--batch-sizes', 1, 2, '--image-size', 64, 32),
        *('--warmup', 1, '--repeats', 3),
    )
    summary = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert summary['arch'] == 'resnet18'
    assert summary['image_size'] == [64, 32]
    found = [(row['backend'], row['batch_size']) for row in summary['results']]
    assert found == [
        ('eager', 1),
        ('eager', 2),
        ('onnxruntime', 1),
        ('onnxruntime', 2),
    ]
    for row in summary['results']:
        assert 0 < row['median_ms'] <= row['p90_ms']
        expected = 1000 * row['batch_size'] / row['median_ms']
        assert row['images_per_second'] == pytest.approx(expected, rel=0.01)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_compiled(tmp_path):
    done = run_tool(
        TOOL,
        'ghostnet_0_5',
        *('--backends', 'compiled', '--image-size', 64, 32),
        *('--batch-sizes', 2, '--warmup', 1, '--repeats', 1),
        cwd=tmp_path,
        timeout=900,
    )
    if 'cannot compile here' in done.stderr:
        pytest.skip('no C++ compiler')
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout.splitlines()[-1])
    assert [row['backend'] for row in summary['results']] == ['compiled']


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (['--repeats', 0], '--repeats must be an integer >= 1; got 0'),
        (['--batch-sizes', 0], '--batch-sizes must be'),
        (['--image-size', -1, 5], '[-1, 5]'),
        (['--device', 'tpu'], "no device 'tpu'"),
        (
            ['--device', 'cuda', '--backends', 'onnxruntime'],
            'onnxruntime is measured with --device cpu only',
        ),
    ],
)
@pytest.mark.slow
def test_wrong_options_are_refused(options, message, tmp_path):
    done = run_tool(TOOL, 'ghostnet_0_5', *options, cwd=tmp_path)
    assert done.returncode == 1
    assert message in done.stderr
