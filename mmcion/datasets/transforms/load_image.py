"""LoadImage: an image file as an RGB tensor."""

from __future__ import annotations

from typing import Any

import torch

from mmcion.registry import TRANSFORMS
from mmcion.utils.image_file import decode_image, read_image_file


@TRANSFORMS.register_module()
class LoadImage:
    """Read ``img_path`` into ``img``, a uint8 RGB tensor ``(3, H, W)``.

    If the data set has read the file already, from an LMDB or tar file, its
    content is ``img_bytes``. See ``decode_image`` for other kinds of images.

    Raises:
        UnreadableImageError: If it is missing, damaged, too large or not an
            image; names the file.
    """

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add ``img``."""
        path, content = results['img_path'], results.pop('img_bytes', None)
        if content is None:
            content = read_image_file(path)
        # (H, W, 3) -> (3, H, W)
        image = torch.from_numpy(decode_image(content, path))
        results['img'] = image.permute(2, 0, 1)
        return results
