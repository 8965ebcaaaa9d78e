import numpy as np
import pytest
from PIL import Image

from mmcion.structures import IdentityLabels, TrackletTable
from mmcion.utils.checks import UserError
from mmcion.visualization import write_denoising_report

from .html_page import Page, check_self_contained, text

NASTY = '<script>alert(1)</script>'
TIMELINE = 'Who is seen when and where'
SEVERAL = 'Identities of several videos'
DOUBTFUL = 'The most doubtful links'

LINKS = {
    'false_discovery_rate': 0.4,
    'num_identities': 8,
    'num_compared': 28,
    'distance': [0.1, 0.2, 0.5],
    'links': [0.1, 0.3, 0.5],
    'within': [0.1, 0.2, 0.9],
    'cross': [],
}


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
    file = tmp_path / 'new' / 'report.html'
    write_denoising_report(file, table, labels, **options)
    return Page(file)


@pytest.fixture
def small(tmp_path):
    """Seven images in three videos, on disk, and labels for them."""
    names = [f'{i}{NASTY.replace("/", "")}.png' for i in range(7)]
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
    near = {'distance': 0.125, 'first': [1], 'second': [4]}
    levels = [
        {'name': 'tracklets', 'images': 7, 'identities': 4},
        {
            'name': 'SingleTrackletDenoiser',
            'images': 5,
            'identities': 2,
            'identities_in_several_videos': 1,
            'seconds': 1.5,
            'removed_images': 1234,
            'refused_cooccurring': 56,
            'noise': {
                'sigma': 0.3,
                'delta': 0.4,
                'before': {'intra': 0.25, 'inter': 0.5, 'n_s': 3.5},
                'after': {
                    **{'intra': 0.0, 'inter': 0.125},
                    **{'n_s': 1.25, 'n_s_error': 0.125},
                },
            },
            'doubtful_links': [near, link],
        },
        {'name': 'MineDenoiser', 'my_own_count': 7},
    ]
    return table, labels_of(
        *(0, 0, -1, 0, 0, 1, -1),
        version='9.9',
        levels=levels,
        stages=[{'type': 'MineDenoiser', 'sigma': 0.25, 'size': None}],
        calibration={'sigma': 0.3125, 'delta': 0.4375},
        inputs={'table': 'abc', 'features': 'def', 'extractor': {'dim': 8}},
        export={'images': 4, 'identities': 1, 'dropped_small_identities': 3},
    )


def test_numbers_are_on_the_page(small, tmp_path):
    page = page_of(tmp_path, *small)
    assert page.cards == {
        'images kept': ('5', '71.4% of 7'),
        'identities': ('2', 'from 4 tracklets'),
        'seen in several videos': ('1', '50.0% of the identities'),
        'images for pre-training': ('4', 'of 1 identity'),
        'sigma': ('0.312', 'largest distance of an image to its identity'),
        'delta': ('0.438', 'smallest distance of two identities'),
    }
    assert page.rows('Videos')[0] == ['gate', '3', '66.7%', '1', '1', '1']
    assert 'Table abc, features def, extracted with dim 8.' in page.text
    assert 'mmcion 9.9' in page.text


def test_who_is_seen_when(small, tmp_path):
    page = page_of(tmp_path, *small)
    rows = page.rows(TIMELINE)
    assert [row[0] for row in rows] == [
        '0 4 images 2 videos',
        '1 1 image 1 video',
    ]
    section = page.sections[TIMELINE]
    assert [x.text for x in section.iter('bdi')] == ['gate', NASTY, 'yard']
    assert len([*section.iter('img')]) == len(rows)
    bars = [x for x in section.iter('i') if x.get('title')]
    assert bars[0].get('title') == 'gate, 0 to 1'


def test_overview_of_many_identities(tmp_path):
    table = table_of(np.zeros(60, int), np.zeros(60, int))
    page = page_of(tmp_path, table, labels_of(*(np.arange(60) // 2)))
    section = page.sections[TIMELINE]
    assert 'The 24 of 30 identities that are seen in most videos' in text(
        section
    )
    assert 'All 30 identities' in text(section)
    assert len(page.images('png')) == 1
    check_self_contained(page)


def test_levels_and_what_they_counted(small, tmp_path):
    page = page_of(tmp_path, *small)
    rows = page.rows('What each level did')
    assert rows[:3] == [
        ['tracklets', '7', '4', *5 * ['–']],
        ['SingleTracklet', '5', '2', '1']
        + ['25.0% → 0.0%', '50.0% → 12.5%']
        + ['3.500 → 1.250 ± 0.125', '1.500'],
        ['Mine', *7 * ['–']],
    ]
    assert rows[3:] == [
        ['removed images', '1,234', '–'],
        ['refused: co-occurring', '56', '–'],
        ['my own count', '–', '7'],
    ]
    section = text(page.sections['What each level did'])
    assert '3 identities of too few images.' in section
    assert 'too few videos' not in section


def test_thresholds_by_hand(small, tmp_path):
    page = page_of(tmp_path, *small)
    section = page.sections['Thresholds']
    assert 'not calibrated' in text(section)
    assert page.rows('Thresholds') == [['Mine', 'sigma 0.25, size none']]
    assert section.find('.//img') is None


def test_calibrated_thresholds_are_drawn_and_explained(small, tmp_path):
    table, labels = small
    calibration = {
        'sigma': 0.5,
        'delta': 0.4,
        'bins': [0, 1, 2],
        'same': [3, 1],
        'different': [0, 4],
    }
    labels.report['calibration'] = calibration
    page = page_of(tmp_path, table, labels)
    section = page.sections['Thresholds']
    assert section.find('.//img') is not None
    assert 'give sigma. Co-occurring' in text(section)
    calibration |= {'tracklet_noise': 0.1, 'false_merge_rate': 0.005}
    calibration |= {'link_delta': 0.375, 'links': LINKS}
    page = page_of(tmp_path, table, labels)
    section = text(page.sections['Thresholds'])
    assert 'which 10% of them exceed' in section
    assert 'below which 0.5% of them lie' in section
    assert 'at most 40% of the links are expected to be false' in section
    assert '28 pairs of 8 identities' in section
    assert page.cards['delta'][1] == 'within a video; between videos 0.375'


def test_page_says_why_there_are_no_links(small, tmp_path):
    table, labels = small
    labels.report['calibration'] = {'link_delta': None, 'links': LINKS}
    page = page_of(tmp_path, table, labels)
    section = text(page.sections['Thresholds'])
    assert 'There are no links between videos.' in section
    assert 'more than 40% of the links' in section


def test_self_check_is_told_in_numbers(small, tmp_path):
    table, labels = small
    labels.report['self_check'] = {
        'recall': 0.9,
        'precision': 0.75,
        'cut_tracklets': 10,
        'rejoined': 9,
        'overlapping_pairs': 40,
        'wrongly_joined': 3,
    }
    page = page_of(tmp_path, table, labels)
    section = text(page.sections['Self-check without labels'])
    assert (
        '9 of 10 cut tracklets came together again (recall 90.0%)' in section
    )
    assert 'Of 40 pairs' in section
    assert '3 did (precision 75.0%)' in section


def test_page_is_self_contained_and_escaped(small, tmp_path):
    page = page_of(tmp_path, *small)
    check_self_contained(page)
    assert '<script' not in page.source
    assert page.text.count(NASTY) >= 2  # tiles, table
    names = {image.get('alt') for image in page.images('jpeg')}
    assert any('<script>' in name for name in names)


def test_sizes_and_videos_of_identities(small, tmp_path):
    page = page_of(tmp_path, *small)
    # images: 4 and 1; videos: 2 and 1
    assert page.rows('Identities') == [
        *(['1', '1'], ['2', '0'], ['3', '0'], ['4', '1']),
        *(['1', '1'], ['2', '1']),
    ]
    assert '2.5 images on average' in text(page.sections['Identities'])


def test_crops_of_every_section(small, tmp_path):
    page = page_of(tmp_path, *small)
    captions = [caption for caption, *_ in page.tiles(SEVERAL)]
    assert captions == [
        'gate frame 0',
        'gate frame 1',
        f'{NASTY} frame 3',
        f'{NASTY} frame 4',
    ]
    links = page.tiles(DOUBTFUL)
    assert [border for _, border, _ in links] == ['blue', 'orange'] * 2
    assert links[0][0] == 'gate frame 0'  # the larger distance
    removed = page.tiles('Removed images')
    assert [border for _, border, _ in removed] == ['', '', 'red', 'red']
    section = text(page.sections['Removed images'])
    assert '2 images of 7 agree with no identity' in section
    assert '1 tracklet lost some of their images, 1 lost all' in section
    assert section.count('All are shown.') == 2


def test_equal_inputs_give_equal_pages(small, tmp_path):
    first = page_of(tmp_path, *small)
    assert first.source == page_of(tmp_path, *small).source


def test_samples_are_bounded(tmp_path):
    tracklets = np.repeat(np.arange(300), 2)
    names = [str(row) for row in range(600)]
    table = table_of(np.repeat(np.arange(300), 2), tracklets, path=names)
    labels = labels_of(*np.tile([0, -1], 300))
    page = page_of(
        tmp_path,
        *(table, labels),
        load_image=lambda path: np.zeros((8, 4, 3), np.uint8),
        max_tiles=20,
    )
    assert '2 of 300 are shown, evenly spaced in the table.' in page.text
    assert 'The 200 with most images of 300 videos' in page.text
    assert len(page.rows('Videos')) == 200
    assert len(page.images('jpeg')) == 1 + 10 + 2 * 2


def test_unreadable_images_are_counted(small, tmp_path):
    table, labels = small
    names = [name.decode() for name in table.path]
    (tmp_path / names[3]).write_text('no image')
    (tmp_path / names[4]).unlink()
    page = page_of(tmp_path, table, labels)
    assert '2 of 4 images could not be read and are grey' in page.text
    assert f'the first is {names[3]}' in page.text


def test_images_may_come_from_elsewhere(small, tmp_path):
    table, labels = small
    read = []

    def load(path):
        read.append(int(path[0]))
        return np.zeros((8, 4, 3), np.uint8)

    page = page_of(tmp_path, table_of([0, 1], [0, 0]), labels_of(0, 0))
    assert 'no image paths' in page.text
    page = page_of(tmp_path, table, labels, load_image=load)
    assert set(read) == set(range(7))
    assert page.images('jpeg')
    page = page_of(tmp_path, table, labels, max_tiles=0)
    assert not page.images('jpeg') and SEVERAL not in page.sections


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
    assert [found for found in texts if found not in page.text] == []


@pytest.mark.parametrize(
    'report',
    [
        {},
        {'levels': [{}]},
        {'levels': [{'name': 'Mine', 'noise': None, 'odd': {'a': [1]}}]},
        {'levels': [{'doubtful_links': [{'first': [0]}]}]},
        {'levels': None, 'calibration': None, 'inputs': None, 'export': None},
        {'calibration': {'sigma': 0.1}, 'export': {'images': 1}},
        {'stages': [{}], 'inputs': {'extractor': 'stripes'}},
    ],
)
def test_what_a_report_does_not_say_is_left_out(tmp_path, report):
    table = table_of([0, 1], [0, 0], path=['a.jpg', 'b.jpg'])
    page = page_of(tmp_path, table, labels_of(0, 0, **report))
    assert page.cards['identities'][0] == '1'
    check_self_contained(page)


def test_mistakes_are_named(small, tmp_path):
    table, labels = small
    with pytest.raises(UserError, match='table 7, labels 2'):
        page_of(tmp_path, table, labels_of(0, 0))
    with pytest.raises(UserError, match=r'max_tiles .* -1'):
        page_of(tmp_path, table, labels, max_tiles=-1)
