import numpy as np

from mmcion.visualization import HtmlReport
from mmcion.visualization.denoise_levels import (
    add_levels,
    add_thresholds,
    other_counts,
    settings_text,
)


def page_of(add, run):
    report = HtmlReport('t')
    add(report, run)
    return report.to_html()


def test_counts_of_a_level_are_those_that_others_lack():
    level = {
        'name': 'a',
        'images': 5,
        'seconds': 0.1,
        'merges': np.int64(3),
        'rate': np.float32(0.5),
        'exact': True,
        'noise': {},
    }
    assert other_counts(level) == {'merges': 3, 'rate': 0.5}


def test_every_count_gets_a_line():
    levels = [
        {'name': 'tracklets'},
        {'name': 'ADenoiser', 'removed_images': 1234},
        {'name': 'BDenoiser', 'refused_cooccurring': 56, 'my_own_count': 7},
    ]
    page = page_of(add_levels, {'levels': levels})
    for text in ('removed images', '1,234', 'my own count', '>7<'):
        assert text in page
    assert 'refused: seen in one frame' in page
    assert '<th scope="col" class="number">A</th>' in page


def test_what_was_not_exported_is_said():
    run = {
        'levels': [{'name': 'tracklets'}],
        'export': {'dropped_small_identities': 3, 'dropped_few_videos': 0},
    }
    page = page_of(add_levels, run)
    assert '3 identities that have too few images.' in page
    assert 'too few videos' not in page


def test_thresholds_by_hand():
    stage = {'type': 'ADenoiser', 'sigma': 0.25, 'range_size': None}
    page = page_of(add_thresholds, {'calibration': {}, 'stages': [stage]})
    assert 'not calibrated' in page
    assert 'sigma 0.250, range_size None' in page
    assert '<img' not in page


def test_calibrated_thresholds_are_drawn_and_explained():
    calibration = {
        'sigma': 0.5,
        'delta': 0.4,
        'bins': [0, 1, 2],
        'same': [3, 1],
        'different': [0, 4],
    }
    page = page_of(add_thresholds, {'calibration': calibration})
    assert 'give sigma. ' in page  # the share is not known
    assert '<img' in page
    calibration |= {'tracklet_noise': 0.1, 'false_merge_rate': 0.005}
    page = page_of(add_thresholds, {'calibration': calibration})
    assert 'which 10% of them exceed' in page
    assert 'below which 0.5% of them lie' in page


def test_no_report_at_all():
    assert 'without a report' in page_of(add_levels, {})
    assert 'not calibrated' in page_of(add_thresholds, {})


def test_a_config_is_named_by_its_type():
    values = {'extractor': {'type': 'Stripes', 'rows': 8}, 'dim': 336}
    assert settings_text(values) == 'extractor Stripes, dim 336'


def test_long_settings_are_cut():
    text = settings_text({'type': 'A', 'mean': list(range(999)), 'k': 2})
    assert text.startswith('mean [0, 1')
    assert text.endswith('…, k 2')
    assert len(text) < 100
