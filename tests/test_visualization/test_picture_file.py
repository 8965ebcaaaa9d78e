import numpy as np
import pytest
from PIL import Image

from mmcion.visualization.picture_file import save_picture


def test_picture_is_written(tmp_path):
    picture = np.full((4, 3, 3), 7, np.uint8)
    save_picture(picture, tmp_path / 'new' / 'a.png')
    found = np.asarray(Image.open(tmp_path / 'new' / 'a.png'))
    np.testing.assert_array_equal(found, picture)
    with pytest.raises(ValueError, match=r'a\.txt must end as pictures do'):
        save_picture(picture, tmp_path / 'a.txt')
