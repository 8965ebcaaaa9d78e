import signal
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmcion.models.weights import read_checkpoint
from mmcion.structures import TrackletTable
from mmcion.testing import draw_figure, draw_looks
from mmcion.utils.io import read_json

from ..test_visualization.html_page import Page, check_self_contained
from ..training_utils import assert_same
from .conftest import state

ROOT = Path(__file__).parents[2]
TOOL = ROOT / 'tools' / 'pretrain_rounds.py'
CONFIG = 'configs/cion/cion_mobilenet-v2_1xb48-5e_clips-128x64.py'
PEOPLE, CLIPS, FRAMES = 6, 2, 8
TINY = (
    *('train_cfg.max_epochs=1', 'train_dataloader.num_workers=0'),
    'train_dataloader.persistent_workers=False',
    'train_dataloader.batch_size=8',
    'train_dataloader.batch_sampler.num_instances=2',
    'train_dataloader.dataset.pipeline.1.global_size=(64,32)',
    'train_dataloader.dataset.pipeline.1.local_size=(32,16)',
    'default_hooks.logger.interval=1',
)


@pytest.fixture(scope='module')
def table(tmp_path_factory):
    """Folder with the table of drawn people, all in sight in two clips."""
    folder = tmp_path_factory.mktemp('drawn')
    rng = np.random.default_rng(0)
    looks = draw_looks(PEOPLE, rng)
    clip, person, frame = np.indices((CLIPS, PEOPLE, FRAMES)).reshape(3, -1)
    for row, pid in enumerate(person):
        figure = draw_figure(looks[pid], 0.7 * row)
        ground = rng.normal(140, 12, (*figure.shape[:2], 3)).clip(0, 255)
        alpha = figure[..., 3:] / 255.0
        image = figure[..., :3] * alpha + ground * (1 - alpha)
        image = cv2.resize(image.astype(np.uint8), (32, 64))
        cv2.imwrite(str(folder / f'{row}.png'), image)
    box = np.stack((40.0 * person, 0 * person, 0 * person, 0 * person), 1)
    TrackletTable.from_columns(
        video_id=clip,
        tracklet_id=person,
        frame=clip * FRAMES + frame,
        path=[f'{row}.png' for row in range(len(person))],
        box=box + [0, 5, 32, 64],
        videos=['street_0', 'street_1'],
        sources=['street', 'street'],
        image_root=folder,
    ).save(folder / 'table')
    return folder / 'table'


def command(table, work_dir, *options):
    return [
        *(sys.executable, str(TOOL), CONFIG, '--table', str(table)),
        *('--work-dir', str(work_dir), '--min-ari', '1', *options),
        *('--cfg-options', *TINY),
    ]


def run(*arguments):
    done = subprocess.run(
        command(*arguments), cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def kill_after(marker, *arguments):
    """Start the tool; kill it when a line of its output has the marker."""
    process = subprocess.Popen(
        command(*arguments), cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert any(marker in line for line in process.stdout)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()


@pytest.mark.slow
def test_two_rounds_killed_between_steps_give_the_same_files(table, tmp_path):
    whole, killed = tmp_path / 'whole', tmp_path / 'killed'
    run(table, whole)
    report = read_json(whole / 'rounds.json')
    assert [each['number'] for each in report['rounds']] == [1, 2]
    page = Page(whole / 'rounds.html')
    check_self_contained(page)
    assert len(page.rows('Rounds side by side')) == 2

    for step in ('identities', 'pretraining', 'features_2'):
        kill_after(f'=== {step}', table, killed)
    kill_after('identities_2: ', table, killed)
    run(table, killed)
    same = ['rounds.json', 'features/features.npy', 'identities/identity.npy']
    same += [f'round_2/{name}' for name in same[1:]]
    for name in same:
        assert (whole / name).read_bytes() == (killed / name).read_bytes()
    # two trainings of which one was killed: a file has times, weights do not
    for each in report['rounds']:
        if name := each['paths']['weights']:
            first, second = (
                read_checkpoint(folder / name)['state_dict']
                for folder in (whole, killed)
            )
            assert_same(dict(first), dict(second))

    # nothing is left to do, and a round fewer changes no file of the first
    before = state(killed / 'cion')
    output = run(table, killed, '--rounds', '1')
    assert output.count('done before') == 3
    assert state(killed / 'cion') == before
    assert len(read_json(killed / 'rounds.json')['rounds']) == 1
