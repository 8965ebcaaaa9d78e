import numpy as np
from PIL import Image

from mmcion.structures import IdentityLabels, TrackletTable
from mmcion.visualization.person_page import write_person_page

from .html_page import Page, check_self_contained, text

NASTY = '<b>.png'


def answer_of(query, distances, *, threshold=0.3, seconds=(61.0, 75.0)):
    start, end = seconds
    seen = {
        **{'video': 'gate', 'first_frame': 610, 'last_frame': 750},
        **{'start_seconds': start, 'end_seconds': end, 'images': 2},
        **{'best_crop': 'a', 'best_row': 0},
    }
    return {
        'query': str(query),
        'threshold': threshold,
        'matches': [
            {
                **{'rank': rank, 'identity': rank, 'distance': distance},
                'near': None if threshold is None else distance <= threshold,
                'appearances': [seen],
            }
            for rank, distance in enumerate(distances)
        ],
    }


def table_of(**columns):
    return TrackletTable.from_columns(
        video_id=[0, 0, 0, 0],
        tracklet_id=[0, 0, 1, 1],
        frame=[610, 750, 620, 640],
        videos=['gate'],
        fps=[10],
        **columns,
    )


LABELS = IdentityLabels(np.array([0, 0, 1, 1], np.int32))


def load(path):
    return np.zeros((8, 4, 3), np.uint8)


def test_crops_and_times(tmp_path):
    query = tmp_path / NASTY
    Image.new('RGB', (4, 8)).save(query)
    write_person_page(
        tmp_path / 'page.html',
        table_of(path=list('abcd')),
        LABELS,
        [answer_of(query, [0.2, 0.5]), answer_of(tmp_path / 'b.png', [0.4])],
        load,
    )
    page = Page(tmp_path / 'page.html')
    check_self_contained(page)
    first, second = page.root.iter('section')
    assert text(first.find('h2')) == NASTY
    assert '1 identity nearer than sigma = 0.300' in text(first)
    assert 'No identity is nearer' in text(second)
    assert [x[:2] for x in page.tiles(NASTY)] == [
        ('query', 'ink'),
        ('identity 0 0.200', 'green'),
        ('identity 1 0.500', ''),
    ]
    (times,) = (
        [text(cell) for cell in row]
        for row in first.iter('tr')
        if '0.200' in text(row)
    )
    assert times == ['0', '0.200', 'gate', '1:01', '1:15', '2']
    bars = [x.get('title') for x in first.iter('i') if x.get('title')]
    assert bars[0] == 'gate, 1:01 to 1:15'


def test_without_paths_times_and_threshold(tmp_path):
    Image.new('RGB', (4, 8)).save(tmp_path / 'a.png')
    answer = answer_of(
        tmp_path / 'a.png', [0.2], threshold=None, seconds=(None, None)
    )
    write_person_page(tmp_path / 'page.html', table_of(), LABELS, [answer])
    page = Page(tmp_path / 'page.html')
    assert 'without a threshold' in page.text
    assert 'frame 610' in page.text
    assert len(page.images('jpeg')) == 1
