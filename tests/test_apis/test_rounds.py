import numpy as np
import pytest
from mmengine.config import Config

from mmcion.apis.rounds import (
    Rounds,
    RoundSettings,
    batch_size,
    compare_identities,
)
from mmcion.structures import IdentityLabels, TrackletTable
from mmcion.utils.checks import UserError
from mmcion.utils.io import read_json, write_json

# eight people, each in both of two videos, three images in each
PERSON = np.tile(np.repeat(np.arange(8), 3), 2)
VIDEO = np.repeat([0, 1], 24)
PERFECT = PERSON
APART = PERSON + 8 * VIDEO  # nobody is linked
HALF = np.where(PERSON < 4, PERSON, APART)
WITHOUT_FIRST = np.where(PERSON == 0, -1, PERSON)


@pytest.fixture
def settings(tmp_path):
    table = TrackletTable.from_columns(
        video_id=VIDEO,
        tracklet_id=PERSON,
        frame=np.tile(np.arange(3), 16),
        videos=['a', 'b'],
    )
    table.save(tmp_path / 'table')
    config = tmp_path / 'train.py'
    config.write_text(
        'model = dict(backbone_checkpoint=None)\n'
        'train_dataloader = dict(batch_size=24, batch_sampler=dict('
        'num_instances=2))\n'
    )
    return RoundSettings(
        tmp_path / 'table',
        tmp_path / 'run',
        str(config),
        'levels.py',
        max_rounds=3,
    )


def run(settings, *labels, true=None, failing=()):
    """Pretend to run the steps; return their commands and the report."""
    rounds, commands, labels = Rounds(settings, true), {}, list(labels)
    for step in rounds.steps():
        commands[step.name] = ' '.join(map(str, step.command))
        if step.name in failing:
            assert step.otherwise
        elif 'identities' in step.name:
            found = IdentityLabels(labels.pop(0).astype(np.int32))
            (step.output / 'annotation').mkdir(parents=True)
            found.save(step.output / 'identity.npy')
            report = {'levels': [{'links': 0}]}
            write_json(step.output / 'report.json', report)
        elif 'pretraining' in step.name:
            step.output.mkdir(parents=True)
            note = step.output / 'last_checkpoint'
            note.write_text('/elsewhere/epoch_5.pth\n')
    assert read_json(settings.work_dir / 'rounds.json') == rounds.report()
    return commands, rounds.report()


def test_each_round_starts_from_the_weights_of_the_one_before(settings):
    settings.max_rounds, settings.seed = 2, 7
    settings.train_options = ['model.backbone_checkpoint=imagenet.pth']
    commands, report = run(settings, APART, PERFECT)
    work_dir, table = settings.work_dir, settings.table
    weights = f'{work_dir}/cion/epoch_5.pth'
    train = f'tools/train.py {settings.config} --data'
    assert commands == {
        'features': f'tools/extract_features.py {table} '
        f'--out {work_dir}/features',
        'identities': f'tools/denoise.py levels.py --table {table} '
        f'--features {work_dir}/features --out {work_dir}/identities',
        'pretraining': f'{train} {work_dir}/identities --work-dir '
        f'{work_dir}/cion --resume --seed 7 --cfg-options '
        f'model.backbone_checkpoint=imagenet.pth',
        'features_2': f'tools/extract_features.py {table} --out '
        f'{work_dir}/round_2/features --checkpoint {weights}',
        'identities_2': f'tools/denoise.py levels.py --table {table} '
        f'--features {work_dir}/round_2/features '
        f'--out {work_dir}/round_2/identities',
        'pretraining_2': f'{train} {work_dir}/round_2/identities --work-dir '
        f'{work_dir}/round_2/cion --resume --seed 7 --cfg-options '
        f'model.backbone_checkpoint=imagenet.pth '
        # eight identities
        f'train_dataloader.batch_size=16 model.backbone_checkpoint={weights}',
    }
    assert report['ended'] == 'Round 2 was the last one wanted.'
    assert report['result'] == {
        'round': 2,
        'identities': 'round_2/identities',
        'weights': 'round_2/cion/epoch_5.pth',
    }
    first, second = report['rounds']
    assert (first['identities'], second['identities']) == (16, 8)
    assert (first['links'], second['links']) == (0, 8)
    assert second['identities_in_several_videos'] == 8
    assert first['ari'] is None and 0 < second['ari'] < 1


def test_a_worse_round_ends_them_and_is_not_trained(settings):
    commands, report = run(settings, HALF, APART)
    assert list(commands)[-1] == 'identities_2'
    assert [each['counted'] for each in report['rounds']] == [True, False]
    assert report['ended'] == (
        'Round 2 does not count: its features link nobody between videos. '
        'The result is that of round 1.'
    )
    assert report['result'] == {
        'round': 1,
        'identities': 'identities',
        'weights': 'cion/epoch_5.pth',
    }


def test_features_without_identities_do_not_count(settings):
    _, report = run(settings, HALF, failing=['identities_2'])
    assert 'gave no identities' in report['ended']
    assert report['result']['round'] == 1


def test_rounds_end_when_identities_stay(settings):
    commands, report = run(settings, HALF, PERFECT, WITHOUT_FIRST)
    # a dropped image neither agrees nor disagrees
    assert list(commands)[-1] == 'identities_3'
    assert 'ARI 1.000' in report['ended']
    assert report['rounds'][2]['in_both'] == pytest.approx(7 / 8)
    assert report['result'] == {
        'round': 3,
        'identities': 'round_3/identities',
        'weights': 'round_2/cion/epoch_5.pth',
    }


def test_features_of_ones_own_come_first(settings, tmp_path):
    settings.features, settings.max_rounds = tmp_path / 'mine', 1
    commands, report = run(settings, HALF)
    assert list(commands) == ['identities', 'pretraining']
    assert f'--features {tmp_path}/mine' in commands['identities']
    assert report['rounds'][0]['paths']['features'] == f'{tmp_path}/mine'


def test_truth_is_recorded(settings):
    settings.max_rounds = 2
    _, report = run(settings, HALF, PERFECT, true=PERSON)
    first, second = (each['scores'] for each in report['rounds'])
    assert first['pairwise_recall'] < second['pairwise_recall'] == 1
    assert first['pairwise_precision'] == second['pairwise_f1'] == 1


def test_agreement_is_of_images_with_an_identity_in_both():
    first = IdentityLabels(np.array([0, 0, 1, 1, -1, 2], np.int32))
    second = IdentityLabels(np.array([5, 5, 3, 3, 3, -1], np.int32))
    assert compare_identities(first, second) == (1, pytest.approx(4 / 6))
    none = IdentityLabels(np.full(6, -1, np.int32))
    assert compare_identities(first, none) == (0, 0)


def test_batch_has_as_many_identities_as_there_are():
    sampler = {'num_instances': 8}
    loader = Config({'batch_size': 48, 'batch_sampler': sampler})
    assert [batch_size(loader, n) for n in (2, 5, 6, 7)] == [16, 40, 48, 48]
    loader = Config({'batch_size': 48, 'batch_sampler': {}})
    assert batch_size(loader, 2) == 48  # K is a hook's
    with pytest.raises(UserError, match='1 identity'):
        batch_size(loader, 1)


@pytest.mark.parametrize(
    ('name', 'value'), [('max_rounds', 0), ('min_ari', 0), ('tolerance', 1)]
)
def test_settings_are_checked(settings, name, value):
    options = {**vars(settings), name: value}
    with pytest.raises(UserError, match=f'{name}.*{value}'):
        RoundSettings(**options)
