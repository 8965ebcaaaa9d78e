"""LoadImage: an image file as an RGB tensor."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import torch

from mmcion.registry import TRANSFORMS

from ..image_reader import UnreadableImageError


@TRANSFORMS.register_module()
class LoadImage:
    """Read ``img_path`` into ``img``, a uint8 RGB tensor ``(3, H, W)``.

    Where the dataset has read the content already, from an LMDB, it is taken
    from ``img_bytes``. Any number of channels in the file becomes RGB; EXIF
    rotation is honoured.

    Raises:
        FileNotFoundError: if the file is missing.
        UnreadableImageError: if it is not an image; names the file.
    """

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add ``img``."""
        content = results.pop('img_bytes', None)
        if content is None:
            data = np.fromfile(results['img_path'], np.uint8)
        else:
            data = np.frombuffer(content, np.uint8)
        image = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
        if image is None:
            raise UnreadableImageError(
                f'{results["img_path"]} is not an image that can be read '
                f'({len(data)} bytes); restore it or drop it from the list.'
            )
        rgb = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
        results['img'] = torch.from_numpy(rgb).permute(2, 0, 1)
        return results
