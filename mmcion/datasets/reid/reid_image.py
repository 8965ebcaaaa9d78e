"""ReIDImage: what every reader of an evaluation set knows of an image."""

from __future__ import annotations

from typing import NamedTuple

JUNK = -1
NO_CAMERA = -1


class ReIDImage(NamedTuple):
    """One image.

    Attributes:
        path: of the file.
        pid: identity; -1 is junk, which a metric leaves out.
        cam_id: camera; -1 where cameras are not known.
    """

    path: str
    pid: int
    cam_id: int = NO_CAMERA
