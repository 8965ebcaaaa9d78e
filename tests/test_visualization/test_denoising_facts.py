import numpy as np

from mmcion.visualization.denoising_facts import (
    CalibrationFacts,
    DenoisingFacts,
    ExportFacts,
    InputFacts,
    LevelFacts,
    NoiseRates,
)

LEVEL = {
    'name': 'SingleVideoDenoiser',
    'images': 1200,
    'identities': 30,
    'identities_in_several_videos': 4,
    'seconds': 1.5,
    'links': 4,
    'merges': np.int64(3),
    'rate': np.float32(0.5),
    'exact': True,
    'noise': {
        'delta': 0.5,
        'before': {'intra': 0.25, 'inter': 0.5},
        'after': {'intra': 0.0, 'inter': 0.125},
    },
    'doubtful_links': [
        {'distance': 0.4, 'delta': 0.5, 'first': [1], 'second': [2, 3]},
        {'first': [7]},
    ],
}


def test_facts_of_a_level():
    level = LevelFacts.from_report(LEVEL)
    assert level.name == 'SingleVideo'
    assert (level.images, level.identities) == (1200, 30)
    assert level.identities_in_several_videos == 4
    assert level.seconds == 1.5
    assert level.before == NoiseRates(0.25, 0.5)
    assert level.after == NoiseRates(0.0, 0.125)
    assert level.counts == {'links': 4, 'merges': 3, 'rate': 0.5}
    (link,) = level.doubtful_links  # the other has no distance
    assert (link.distance, link.delta) == (0.4, 0.5)
    assert (link.first, link.second) == ([1], [2, 3])


def test_facts_of_a_level_that_recorded_little():
    assert LevelFacts.from_report({}) == LevelFacts('?')
    level = LevelFacts.from_report({'noise': {'after': {'intra': 0.5}}})
    assert (level.before, level.after) == (NoiseRates(), NoiseRates(0.5))


def test_facts_of_a_report():
    report = {
        'version': '9.9',
        'seed': 3,  # unknown to the page
        'levels': [{'name': 'tracklets'}, LEVEL],
        'calibration': {'sigma': 0.3, 'delta': 0.4, 'num_pairs': 5},
        'stages': [{'type': 'A', 'sigma': 0.3}],
        'inputs': {'table': 'abc'},
        'export': {'images': 4, 'dropped_few_videos': 2},
    }
    facts = DenoisingFacts.from_report(report)
    assert facts.version == '9.9'
    assert [level.name for level in facts.levels] == [
        'tracklets',
        'SingleVideo',
    ]
    assert facts.calibration == CalibrationFacts(0.3, 0.4)
    assert facts.stages == report['stages']
    assert facts.inputs == InputFacts('abc')
    assert facts.export == ExportFacts(4, None, 0, 2)


def test_a_report_may_be_empty():
    nothing = dict.fromkeys(('levels', 'calibration', 'inputs', 'export'))
    for report in ({}, nothing):
        assert DenoisingFacts.from_report(report) == DenoisingFacts()


def test_distances_need_thresholds_and_bins():
    assert not CalibrationFacts(0.3, 0.4).has_distances
    assert not CalibrationFacts(0.3, bins=[0, 1]).has_distances
    assert CalibrationFacts(0.3, 0.4, bins=[0, 1]).has_distances
