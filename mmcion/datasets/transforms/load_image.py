"""LoadImage: an image file as an RGB tensor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from mmcion.registry import TRANSFORMS

from ..image_reader import UnreadableImageError


@TRANSFORMS.register_module()
class LoadImage:
    """Read ``img_path`` into ``img``, a uint8 RGB tensor ``(3, H, W)``.

    If the data set has read the file already, from an LMDB or tar file, its
    content is ``img_bytes``. Grey and RGBA images become RGB; EXIF rotation
    is applied.

    Raises:
        FileNotFoundError: If the file is missing.
        UnreadableImageError: If it is not an image; names the file.
    """

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add ``img``."""
        content = results.pop('img_bytes', None)
        if content is None:
            content = Path(results['img_path']).read_bytes()
        data = np.frombuffer(content, np.uint8)
        image = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
        if image is None:
            raise UnreadableImageError(
                f'{results["img_path"]} is not a readable image '
                f'({len(data)} bytes); restore it or drop it from the list.'
            )
        # (H, W, 3) BGR -> (3, H, W) RGB
        rgb = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
        results['img'] = torch.from_numpy(rgb).permute(2, 0, 1)
        return results
