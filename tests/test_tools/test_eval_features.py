import json

import pytest

from mmcion.evaluation import EvaluationOptions, evaluate_features

from ..test_evaluation.test_retrieval import make_features

TOOL = 'analysis_tools/eval_features.py'


def test_scores_without_a_model(tmp_path, call_tool, capsys):
    features = make_features()
    features.save(tmp_path / 'f.npz')
    call_tool(
        *(TOOL, 'f.npz', '--protocol', 'type=SYSUMM01Protocol'),
        *('num_trials=3', '--ranks', 1, 20, '--distance', 'euclidean'),
        *('--rerank', 'k1=6', 'k2=3'),
        *('--both-directions', '--tracklets', '--out', 'scores.json'),
    )
    result = evaluate_features(
        features,
        EvaluationOptions(
            protocol={'type': 'SYSUMM01Protocol', 'num_trials': 3},
            ranks=(1, 20),
            distance='euclidean',
            rerank={'k1': 6, 'k2': 3},
            both_directions=True,
            average_tracklets=True,
        ),
    )
    found = json.loads((tmp_path / 'scores.json').read_text())
    options = found.pop('options')
    assert found == pytest.approx(result.scores)
    assert options == json.loads(json.dumps(result.options))
    assert options['rerank']['k1'] == 6
    printed = capsys.readouterr().out
    assert 'f (reverse)' in printed
    assert "rerank={'k1': 6, 'k2': 3" in printed


def test_report_without_a_model_or_its_images(tmp_path, call_tool):
    make_features().save(tmp_path / 'f.npz')
    call_tool(TOOL, 'f.npz', '--no-cameras', '--show-dir', 'report')
    page = (tmp_path / 'report' / 'report.html').read_text()
    assert 'f.npz' in page
    assert not (tmp_path / 'report' / 'activation_maps.png').exists()


@pytest.mark.parametrize(
    ('arguments', 'code', 'named'),
    [
        (('none.npz',), 1, 'none.npz'),
        (('f.npz', '--protocol', 'type=SYSU', 'x'), 2, "'x'"),
        (('f.npz', '--protocol', 'type=SYSU'), 1, "'SYSU'"),
    ],
)
def test_mistakes(tmp_path, call_tool, capsys, arguments, code, named):
    make_features().save(tmp_path / 'f.npz')
    with pytest.raises(SystemExit) as ended:
        call_tool(TOOL, *arguments)
    assert ended.value.code == code
    assert named in capsys.readouterr().err
