"""From an image file to the input of a model."""

from .boxed_views import BoxedResizedCrop, BoxedViews
from .build_pipeline import build_pipeline
from .load_image import LoadImage
from .multi_crop import MultiCrop
from .pack_inputs import PackReIDInputs
from .random_erasing import RandomErasing
from .resize_image import ResizeImage

__all__ = [
    'BoxedResizedCrop',
    'BoxedViews',
    'LoadImage',
    'MultiCrop',
    'PackReIDInputs',
    'RandomErasing',
    'ResizeImage',
    'build_pipeline',
]
