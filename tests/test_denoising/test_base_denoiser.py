from dataclasses import fields

import pytest

from mmcion.denoising import (
    BaseDenoiser,
    Calibration,
    CrossVideoDenoiser,
    SingleTrackletDenoiser,
    SingleVideoDenoiser,
)


@pytest.mark.parametrize(
    'level',
    [
        BaseDenoiser,
        SingleTrackletDenoiser,
        SingleVideoDenoiser,
        CrossVideoDenoiser,
    ],
)
def test_auto_arguments_are_fields_of_the_calibration(level):
    thresholds = {field.name for field in fields(Calibration)}
    assert set(level.calibrated.values()) - {None} <= thresholds


def test_a_level_must_be_callable():
    class NoLevel(BaseDenoiser):
        pass

    with pytest.raises(TypeError, match='__call__'):
        NoLevel()
