import json

import pytest

from mmcion.evaluation import EvaluationOptions, evaluate_features

from ..test_evaluation.test_feature_evaluation import make_features
from ..tool_utils import run_tool

TOOL = 'analysis_tools/eval_features.py'


def test_scores_without_a_model(tmp_path):
    features = make_features()
    features.save(tmp_path / 'f.npz')
    done = run_tool(
        *(TOOL, 'f.npz', '--protocol', 'SYSUMM01Protocol', 'num_trials=3'),
        *('--ranks', 1, 20, '--distance', 'euclidean', '--rerank', '6,3'),
        *('--both-directions', '--tracklets', '--out', 'scores.json'),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    expected = evaluate_features(
        features,
        EvaluationOptions(
            protocol={'type': 'SYSUMM01Protocol', 'num_trials': 3},
            ranks=(1, 20),
            distance='euclidean',
            rerank={'k1': 6, 'k2': 3},
            both_directions=True,
            average_tracklets=True,
        ),
    ).scores
    found = json.loads((tmp_path / 'scores.json').read_text())
    assert found == pytest.approx(expected)
    assert 'f (reverse)' in done.stdout


def test_report_without_a_model_or_its_images(tmp_path):
    make_features().save(tmp_path / 'f.npz')
    options = ('--no-cameras', '--show-dir', 'report')
    done = run_tool(TOOL, 'f.npz', *options, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    page = (tmp_path / 'report' / 'report.html').read_text()
    assert 'f.npz' in page
    assert not (tmp_path / 'report' / 'activation_maps.png').exists()


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (('none.npz',), 'no file of features at none.npz'),
        (('f.npz', '--protocol', 'SYSUMM01Protocol', 'x'), 'KEY=VALUE'),
    ],
)
def test_mistakes(tmp_path, arguments, message):
    make_features().save(tmp_path / 'f.npz')
    done = run_tool(TOOL, *arguments, cwd=tmp_path)
    assert done.returncode == 1
    assert message in done.stderr
