import json

import numpy as np

from mmcion.utils.skip_report import SkipReport


def test_counts_and_first_examples(tmp_path):
    report = SkipReport('folder')
    report.skip('rare', 'a')
    for number in range(7):
        report.skip('usual', f'{number}.jpg')
    report.skip('usual', 'x', 'y', count=1000)
    report.note('remark')
    report.note('remark')

    report.save(tmp_path / 'skipped.json', kept={'images': 3})

    assert json.loads((tmp_path / 'skipped.json').read_text()) == {
        'source': 'folder',
        'num_skipped': 1008,
        'skipped': {
            'usual': {
                'count': 1007,
                'examples': [f'{number}.jpg' for number in range(5)],
            },
            'rare': {'count': 1, 'examples': ['a']},
        },
        'notes': ['remark'],
        'kept': {'images': 3},
    }
    assert report.lines() == [
        'skipped 1,007: usual (such as 0.jpg, 1.jpg)',
        'skipped 1: rare (such as a)',
        'note: remark',
    ]


def test_skip_rows_of_a_mask():
    report = SkipReport('folder')
    paths = [f'{number}.jpg'.encode() for number in range(9)]
    report.skip_rows('odd', paths, np.arange(9) % 2 == 1)
    report.skip_rows('even', np.array(paths), np.arange(9) % 2 == 0)
    report.skip_rows('none', paths, np.zeros(9, bool))
    assert report.counts == {'odd': 4, 'even': 5}
    assert report.examples['odd'] == ['1.jpg', '3.jpg', '5.jpg', '7.jpg']


def test_names_that_cannot_be_printed():
    report = SkipReport('')
    report.skip('odd', 'a\nb.jpg')
    report.note('a\rb')
    assert report.lines() == [
        r'skipped 1: odd (such as a\nb.jpg)',
        r'note: a\rb',
    ]


def test_published_counts():
    report = SkipReport('')
    report.compare('images', 1234, 1234)
    report.compare('ids', 1000, 1234)
    assert report.notes == [
        '1,234 images, as published',
        '1,000 ids, published are 1,234',
    ]


def test_merge():
    first, second = SkipReport('a'), SkipReport('b')
    first.skip('reason', 'x', count=2)
    second.skip('reason', 'y')
    second.note('remark')
    first.merge(json.loads(json.dumps(second.to_dict())))
    assert first.counts == {'reason': 3}
    assert first.examples == {'reason': ['x', 'y']}
    assert first.notes == ['remark']
