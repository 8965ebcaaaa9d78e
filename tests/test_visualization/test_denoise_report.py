import re

import numpy as np
import pytest
from PIL import Image

from mmcion.structures import IdentityLabels, TrackletTable
from mmcion.visualization import write_denoise_report

NASTY = '<b>street</b>'
SEVERAL = 'One person in several videos'


def table_of(video_id, tracklet_id, *, path=None, videos=None, root=None):
    return TrackletTable.from_columns(
        video_id=video_id,
        tracklet_id=tracklet_id,
        frame=np.arange(len(video_id)),
        path=path,
        videos=videos,
        image_root=root,
    )


def labels_of(*identity, **report):
    return IdentityLabels(np.array(identity, np.int32), report)


def page_of(tmp_path, table, labels, **options):
    file = tmp_path / 'report.html'
    write_denoise_report(file, table, labels, **options)
    return file.read_text(encoding='utf-8')


def card(page, label):
    """Return number and note of a key figure."""
    found = re.search(
        rf'<b>([^<]*)</b><span>{label}</span>(?:<small>([^<]*)<)?', page
    )
    return found.groups()


@pytest.fixture
def small(tmp_path):
    """Seven images in three videos, on disk, and labels for them."""
    names = [f'{i}.png' for i in range(7)]
    for i, name in enumerate(names):
        picture = np.full((64, 32, 3), 30 * i, np.uint8)
        Image.fromarray(picture).save(tmp_path / name)
    table = table_of(
        [0, 0, 0, 1, 1, 2, 2],
        [0, 0, 0, 0, 0, 0, 1],
        path=names,
        videos=['gate', NASTY, 'yard'],
        root=tmp_path,
    )
    link = {'distance': 0.375, 'first': [0], 'second': [3]}
    levels = [
        {'name': 'tracklets', 'images': 7, 'identities': 4},
        {
            'name': 'SingleTrackletDenoiser',
            'images': 5,
            'identities': 2,
            'removed_images': 2,
            'noise': {'sigma': 0.3, 'delta': 0.4},
            'doubtful_links': [link],
        },
    ]
    return table, labels_of(
        *(0, 0, -1, 0, 0, 1, -1),
        version='9.9',
        levels=levels,
        calibration={'sigma': 0.3125, 'delta': 0.4375},
        inputs={'table': 'abc', 'features': 'def', 'extractor': {'dim': 8}},
        export={'images': 4, 'identities': 1, 'dropped_small_identities': 1},
    )


def test_numbers_stand_on_the_page(small, tmp_path):
    page = page_of(tmp_path, *small)
    assert card(page, 'images kept') == ('5', '71.4% of 7')
    assert card(page, 'identities') == ('2', 'from 4 tracklets')
    several = card(page, 'seen in several videos')
    assert several == ('1', '50.0% of the identities')
    assert card(page, 'images for pre-training') == ('4', 'of 1 identity')
    assert card(page, 'sigma')[0] == '0.312'
    assert card(page, 'delta')[0] == '0.438'
    row = '<th scope="row">gate</th>' + ''.join(
        f'<td class="number">{text}</td>' for text in (3, '66.7%', 1, 1, 1)
    )
    assert row in page
    assert 'Table abc, features def, made with dim 8.' in page
    assert 'mmcion 9.9' in page


def test_page_is_self_contained_and_escaped(small, tmp_path):
    page = page_of(tmp_path, *small, title=NASTY)
    assert not re.search(r'https?://|url\(|@import|<script', page)
    assert '<b>street' not in page
    assert page.count('&lt;b&gt;street&lt;/b&gt;') >= 3  # title twice, video
    sources = re.findall(r'<img[^>]* src="(data:image/\w+)', page)
    assert sources.count('data:image/svg') == 3  # levels, sizes, videos
    assert sources.count('data:image/jpeg') == 4  # one per sheet


def test_equal_inputs_give_equal_pages(small, tmp_path):
    assert page_of(tmp_path, *small) == page_of(tmp_path, *small)


def test_sheets_say_what_they_show(small, tmp_path):
    page = page_of(tmp_path, *small)
    assert '1 of 1 identity found in several videos' in page
    assert 'The most doubtful links' in page
    assert '2 images of 7 agree with no identity' in page
    assert '1 tracklet lost some of their images, 1 lost all' in page
    assert page.count('All are shown.') == 2


def test_samples_are_bounded_and_said_to_be(tmp_path):
    tracklets = np.repeat(np.arange(300), 2)
    table = table_of(np.repeat(np.arange(300), 2), tracklets)
    labels = labels_of(*np.tile([0, -1], 300))
    page = page_of(
        tmp_path,
        *(table, labels),
        load_image=lambda row: np.zeros((8, 4, 3), np.uint8),
        max_tiles=20,
    )
    assert '2 of 300 are shown, evenly spaced in the table.' in page
    assert 'The 200 with most images of 300 videos' in page
    assert page.count('<th scope="row">video') == 200


def test_unreadable_images_are_counted(small, tmp_path):
    table, labels = small
    (tmp_path / '3.png').write_text('no picture')
    (tmp_path / '4.png').unlink()
    page = page_of(tmp_path, table, labels)
    assert (
        '2 of 4 images could not be read (the first is row 3, 3.png). They '
        'are grey.'
    ) in page
    for name in table.path:
        (tmp_path / name.decode()).unlink(missing_ok=True)
    page = page_of(tmp_path, table, labels)
    assert 'No pictures: 4 of 4 images could not be read' in page
    assert 'image/jpeg' not in page


def test_images_may_come_from_elsewhere(small, tmp_path):
    table, labels = small
    asked = []

    def load(row):
        asked.append(row)
        return np.zeros((8, 4, 3), np.uint8)

    page = page_of(tmp_path, table_of([0, 1], [0, 0]), labels_of(0, 0))
    assert 'no image paths' in page
    page = page_of(tmp_path, table, labels, load_image=load)
    assert set(asked) == {0, 1, 2, 3, 4, 6}  # 5 is alone and was kept
    assert {type(row) for row in asked} == {int}
    assert 'image/jpeg' in page
    page = page_of(tmp_path, table, labels, max_tiles=0)
    assert 'image/jpeg' not in page and SEVERAL not in page


@pytest.mark.parametrize(
    ('video', 'identity', 'texts'),
    [
        ([], [], ['The table has no video', 'No image has an identity']),
        ([0, 0], [-1, -1], ['No image has an identity', '0.0% of 2']),
        ([0, 0], [0, 0], ['more than one video', 'Every image has an']),
        ([0, 1], [0, 1], ['more than one video', '2 identities']),
        ([0, 1], [5, 5], ['100.0% of the identities']),
    ],
    ids=['no row', 'all removed', 'one video', 'nothing joined', 'all joined'],
)
def test_labels_of_every_kind(tmp_path, video, identity, texts):
    table = table_of(video, video, path=['x.jpg'] * len(video))
    page = page_of(tmp_path, table, labels_of(*identity))
    assert [text for text in texts if text not in page] == []


@pytest.mark.parametrize(
    'report',
    [
        {'levels': [{}]},
        {'levels': [{'name': 'Mine', 'noise': None, 'odd': {'a': [1]}}]},
        {'levels': [{'noise': 0.5, 'doubtful_links': [{'first': [0]}]}]},
        {'levels': None, 'calibration': None, 'inputs': None, 'export': None},
        {'calibration': {'sigma': 0.1}, 'export': {'images': 1}},
        {'stages': [{}], 'inputs': {'extractor': 'stripes'}},
    ],
)
def test_reports_that_lack_keys(tmp_path, report):
    table = table_of([0, 1], [0, 0], path=['a.jpg', 'b.jpg'])
    page = page_of(tmp_path, table, labels_of(0, 0, **report))
    assert card(page, 'identities')[0] == '1'


def test_mistakes_are_named(small, tmp_path):
    table, labels = small
    with pytest.raises(ValueError, match=r'2 labels .* table of 7 rows'):
        page_of(tmp_path, table, labels_of(0, 0))
    with pytest.raises(ValueError, match='must not be negative; got -1'):
        page_of(tmp_path, table, labels, max_tiles=-1)
