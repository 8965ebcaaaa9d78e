from .build_pipeline import build_pipeline
from .load_image import LoadImage
from .multi_crop import MultiCrop
from .pack_inputs import PackReIDInputs
from .resize_image import ResizeImage

__all__ = [
    'LoadImage',
    'MultiCrop',
    'PackReIDInputs',
    'ResizeImage',
    'build_pipeline',
]
