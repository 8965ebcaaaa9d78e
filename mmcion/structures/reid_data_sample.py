"""ReIDDataSample: labels and feature of an image in a batch."""

from mmengine.structures import BaseDataElement


class ReIDDataSample(BaseDataElement):
    """Identity, camera and origin of one image.

    Meta fields: ``pid`` (identity, -1 = junk), ``cam_id``, ``img_path``,
    ``is_query``, and of some trainings ``crop_boxes`` (top, left, height and
    width of each view, as fractions of the image). A model adds the data
    field ``feature``, ``(D,)``.
    """
