"""ReIDDataSample: labels and feature of an image in a batch."""

from mmengine.structures import BaseDataElement


class ReIDDataSample(BaseDataElement):
    """Identity, camera and origin of one image.

    Meta fields: ``pid`` (identity, -1 = junk), ``cam_id``, ``img_path``,
    ``is_query``. A model adds the data field ``feature``, ``(D,)``.
    """
