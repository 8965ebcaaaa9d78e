"""PackReIDInputs: the last transform of every pipeline."""

from __future__ import annotations

from typing import Any

from mmcion.registry import TRANSFORMS
from mmcion.structures import ReIDDataSample

_META = (
    *('pid', 'cam_id', 'img_path', 'is_query', 'tracklet_id'),
    'crop_boxes',
)


@TRANSFORMS.register_module()
class PackReIDInputs:
    """Split results into ``inputs`` (image or views) and ``data_samples``."""

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Return the item of a batch."""
        meta = {key: results[key] for key in _META if key in results}
        inputs = results['views'] if 'views' in results else results['img']
        sample = ReIDDataSample(metainfo=meta)
        return {'inputs': inputs, 'data_samples': sample}
