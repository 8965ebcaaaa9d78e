import csv
import json
import shutil

import numpy as np
import pytest

from mmcion.structures import AnnotationTable, TrackletTable
from mmcion.utils.checksums import read_checksums
from mmcion.video.box_files import read_mot

from ..tool_utils import ROOT, run_tool
from .conftest import FRAMES, PEOPLE, state

CONFIG = ROOT / 'configs' / 'denoise' / 'three-levels_auto.py'


def denoise(recording, features, cwd, *options):
    return run_tool(
        *('denoise.py', CONFIG, '--table', recording / 'table'),
        *('--features', features, '--out', 'out', *options),
        cwd=cwd,
    )


def test_identities_are_found_and_a_second_run_reuses_the_levels(
    recording, features, tmp_path
):
    done = denoise(recording, features, tmp_path)

    assert done.returncode == 0, done.stderr
    assert 'identities' in done.stdout
    out = tmp_path / 'out'
    table = TrackletTable.load(recording / 'table')
    identity = np.load(out / 'identity.npy')
    kept = identity >= 0
    pairs = set(
        zip(identity[kept].tolist(), table.tracklet_id[kept], strict=True)
    )
    assert len(pairs) == len(set(identity[kept].tolist())) == PEOPLE
    report = json.loads((out / 'report.json').read_text())
    annotation = AnnotationTable.load(out / 'annotation')
    published = json.loads((out / 'cion_annos.json').read_text())
    assert report['export']['images'] == len(annotation) == len(published)
    assert report['export']['identities'] == PEOPLE
    assert [level['name'] for level in report['levels']] == [
        'tracklets',
        'SingleTrackletDenoiser',
        'SingleVideoDenoiser',
        'CrossVideoDenoiser',
    ]

    with open(out / 'appearances.csv', encoding='utf-8') as stream:
        lines = list(csv.DictReader(stream))
    assert len(lines) == PEOPLE * len(table.videos)
    assert {line['start_seconds'] for line in lines} == {''}
    assert sum(int(line['images']) for line in lines) == kept.sum()
    tracks = read_mot(out / 'mot' / 'street_1.txt')
    assert set(tracks[:, 0]) == {*range(FRAMES + 1, 2 * FRAMES + 1)}
    assert set(tracks[:, 1]) == {*range(1, PEOPLE + 1)}
    listed = read_checksums(out)
    assert 'appearances.csv' in listed
    inputs = report['inputs']
    assert (out / inputs['table_folder']).samefile(recording / 'table')
    assert (out / inputs['features_folder']).samefile(features)

    levels = state(out / 'stages')
    again = denoise(recording, features, tmp_path)

    assert again.returncode == 0, again.stderr
    assert (again.stdout + again.stderr).count('done before, reused') == 3
    assert state(out / 'stages') == levels
    assert np.array_equal(np.load(out / 'identity.npy'), identity)
    assert json.loads((out / 'report.json').read_text()) == report


def test_other_settings_need_overwrite(recording, features, tmp_path):
    denoise(recording, features, tmp_path)
    before = state(tmp_path / 'out')
    other = ('--cfg-options', 'seed=1')
    refused = denoise(recording, features, tmp_path, *other)
    assert refused.returncode == 1
    assert 'seed was 0, is 1' in refused.stderr
    assert state(tmp_path / 'out') == before
    done = denoise(recording, features, tmp_path, *other, '--overwrite')
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / 'out' / 'report.json').read_text())
    assert report['seed'] == 1


def test_features_of_another_table(recording, features, tmp_path):
    short = TrackletTable.from_columns(
        video_id=[0], tracklet_id=[0], frame=[0], path=['a.jpg']
    )
    short.save(tmp_path / 'table')
    done = denoise(tmp_path, features, tmp_path)
    assert done.returncode == 1
    assert '60 rows, the table has 1' in done.stderr
    assert 'Traceback' not in done.stderr


@pytest.mark.slow
def test_options_override_the_config(recording, features, tmp_path):
    done = denoise(
        recording,
        features,
        tmp_path,
        *('--cfg-options', 'export.min_images_per_identity=99'),
    )
    assert done.returncode == 1
    assert f'none of {PEOPLE} identities has >= 99 images' in done.stderr


def write_table(recording, folder, **changes):
    """Write the table of the recording with other columns."""
    table = TrackletTable.load(recording / 'table')
    columns = {
        'video_id': table.video_id,
        'tracklet_id': table.tracklet_id,
        'frame': table.frame,
        'path': table.path,
        'videos': table.videos,
        'image_root': table.image_root,
    }
    TrackletTable.from_columns(**{**columns, **changes}).save(folder / 'table')


@pytest.mark.slow
def test_images_may_be_gone(recording, features, tmp_path):
    write_table(recording, tmp_path, image_root=tmp_path / 'gone.lmdb')
    done = denoise(tmp_path, features, tmp_path)
    assert done.returncode == 0, done.stderr
    assert 'report.html has no crops' in done.stdout + done.stderr
    page = (tmp_path / 'out' / 'report.html').read_text()
    assert f'<b>{PEOPLE}</b><span>identities</span>' in page
    assert (tmp_path / 'out' / 'cion_annos.json').exists()


@pytest.mark.slow
def test_export_that_fails_keeps_an_earlier_run(recording, features, tmp_path):
    denoise(recording, features, tmp_path)
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / 'out').iterdir()}
    options = ('--cfg-options', 'export.min_images_per_identity=100000')
    failed = denoise(recording, features, tmp_path, *options)
    assert failed.returncode == 1
    assert 'identities has >= 100000 images' in failed.stderr
    after = {p: p.stat().st_mtime_ns for p in (tmp_path / 'out').iterdir()}
    assert after == before

    shutil.rmtree(tmp_path / 'out')
    denoise(recording, features, tmp_path, *options)
    names = {path.name for path in (tmp_path / 'out').iterdir()}
    assert names == {
        *('identity.npy', 'report.json', 'report.html', 'checksums.json'),
        *('run.json', 'stages', 'appearances.csv', 'mot'),
    }

    unknown = denoise(
        recording, features, tmp_path, '--cfg-options', 'export.foo=1'
    )
    assert unknown.returncode == 1
    assert "got 'foo'" in unknown.stderr


@pytest.mark.slow
def test_table_without_paths_has_no_annotation(recording, features, tmp_path):
    table = TrackletTable.load(recording / 'table')
    TrackletTable.from_columns(
        video_id=table.video_id,
        tracklet_id=table.tracklet_id,
        frame=table.frame,
        videos=table.videos,
    ).save(tmp_path / 'table')
    done = denoise(tmp_path, features, tmp_path)
    assert done.returncode == 0, done.stderr
    assert 'no image paths' in done.stdout
    assert (tmp_path / 'out/report.html').exists()
    assert not (tmp_path / 'out/annotation').exists()


def test_the_papers_levels_with_calibrated_thresholds_and_a_selection(
    recording, features, tmp_path
):
    paper = ROOT / 'configs' / 'denoise' / 'three-levels_cion.py'
    auto = ('0.sigma', '1.sigma', '1.delta', '2.delta')
    done = run_tool(
        *('denoise.py', paper, '--table', recording / 'table'),
        *('--features', features, '--out', 'out', '--cfg-options'),
        *(f'pipeline.{name}=auto' for name in auto),
        *('export.max_images_per_identity=7', 'export.max_images=8'),
        'export.seed=3',
        cwd=tmp_path,
    )

    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / 'out' / 'report.json').read_text())
    assert report['stages'][0]['leave_one_out']
    assert report['stages'][2]['half_width'] == 1000
    assert report['calibration']['sigma'] == report['stages'][1]['sigma']
    annotation = AnnotationTable.load(tmp_path / 'out' / 'annotation')
    assert len(annotation) == report['export']['images'] == 8
    assert np.bincount(annotation.pid).max() <= 7
    assert report['export']['unselected_images'] > 0
    for level in report['levels'][1:]:
        assert level['noise']['after']['n_s_error'] == 0
