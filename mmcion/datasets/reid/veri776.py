"""VeRi776: 776 vehicles, 20 cameras."""

from mmcion.registry import DATASETS

from .archive import ON_REQUEST
from .three_folder_dataset import ThreeFolderDataset


@DATASETS.register_module()
class VeRi776(ThreeFolderDataset):
    """VeRi-776, evaluated by the rule of Market-1501.

    Source: Liu et al., "A deep learning-based approach to progressive
    vehicle re-identification for urban surveillance", ECCV 2016.
    """

    archives = ('VeRi', 'VeRi_with_plate', 'VeRi-776')
    folders = {  # noqa: RUF012
        'train': 'image_train',
        'query': 'image_query',
        'gallery': 'image_test',
    }
    example = '0001_c001_00016450_0.jpg'
    hint = ON_REQUEST
