"""PersonX: synthetic persons in six scenes."""

from mmcion.registry import DATASETS
from mmcion.utils.checks import check_choice, name_in_errors

from .three_folder_dataset import ThreeFolderDataset

_CAMERAS = (3, 4, 8, 10, 11, 12)


@DATASETS.register_module()
class PersonX(ThreeFolderDataset):
    """The subset of PersonX with six scenes; cameras become 0..5.

    Source: Sun and Zheng, "Dissecting person re-identification from the
    viewpoint of viewpoint", CVPR 2019; subset and cameras as in SpCL.
    """

    archives = ('PersonX', 'PersonX_v1')
    example = '0001_c3_1.jpg'
    hint = (
        'Unpack the six-scene subset of PersonX and set data_root to the '
        'folder.'
    )

    def cam_id(self, camera: int, path: str) -> int:
        """Return the index of a camera among the six."""
        with name_in_errors(f'{path} is of another subset'):
            check_choice('camera', camera, _CAMERAS)
        return _CAMERAS.index(camera)
