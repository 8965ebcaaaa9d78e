"""Videos with their tracks drawn into the frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from colorsys import hsv_to_rgb
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from types import ModuleType

import numpy as np

from mmcion.utils.checks import optional_import
from mmcion.utils.io import atomic_file

from .video_reader import VideoReader

# index and image of a frame, boxes (n, 4) as corners and their tracks (n,)
Draw = Callable[[int, np.ndarray, np.ndarray, np.ndarray], None]

_TRACE_SECONDS = 2.0
# Hues in steps of the golden ratio: far apart where the numbers of tracks are
# close. After 13 steps they come near the first ones again, then darker. All
# are dark enough for white text.
_COLOURS = [
    tuple(round(255 * part) for part in hsv_to_rgb(n * 0.618 % 1, 0.9, value))
    for n, value in enumerate([0.75] * 13 + [0.5] * 13)
]


def import_packages() -> tuple[ModuleType, ModuleType]:
    """Return the packages that encode and draw, PyAV and supervision.

    Raises:
        MissingPackageError: If one is missing.
    """
    with optional_import('--save-video', "pip install 'mmcion[video]'"):
        import av
        import supervision
    return av, supervision


@contextmanager
def annotated_video(path: Path, reader: VideoReader) -> Iterator[Draw]:
    """Write a video frame by frame, by calls of the function it yields.

    The file, H.264 in MP4, is there when the block has succeeded. Where frames
    are missing, the one before lasts longer.

    Args:
        path: File to write (.mp4).
        reader: Video whose frames are drawn; tells rate and size.
    """
    av, sv = import_packages()
    # H.264 halves the resolution of colours, so that sizes are even
    width, height = reader.width // 2 * 2, reader.height // 2 * 2
    thickness = sv.calculate_optimal_line_thickness((width, height))
    look = {
        'color': sv.ColorPalette([sv.Color(*rgb) for rgb in _COLOURS]),
        'color_lookup': sv.ColorLookup.TRACK,
    }
    trace = sv.TraceAnnotator(
        **look,
        position=sv.Position.BOTTOM_CENTER,
        trace_length=max(round(_TRACE_SECONDS * reader.fps), 2),
        thickness=thickness,
        smooth=True,
    )
    box = sv.BoxAnnotator(**look, thickness=thickness)
    label = sv.LabelAnnotator(
        **look,
        text_scale=sv.calculate_optimal_text_scale((width, height)),
        text_thickness=max(thickness // 2, 1),
        text_padding=2 * thickness,
        smart_position=True,  # labels do not cover each other
    )
    rate = Fraction(reader.fps).limit_denominator(1001)
    with (
        atomic_file(path) as temporary,
        av.open(
            str(temporary),
            'w',
            format='mp4',
            # the index first: a browser plays it while it is loading
            options={'movflags': 'faststart'},
        ) as file,
    ):
        stream = file.add_stream(
            'h264', rate, options={'preset': 'veryfast', 'crf': '23'}
        )
        stream.width, stream.height = width, height
        stream.pix_fmt = 'yuv420p'  # the only one that all browsers play

        def draw(
            frame: int, image: np.ndarray, boxes: np.ndarray, ids: np.ndarray
        ) -> None:
            image = image[:height, :width].copy()
            people = sv.Detections(xyxy=boxes, tracker_id=ids)
            image = trace.annotate(image, people)
            image = box.annotate(image, people)
            image = label.annotate(image, people, [f'#{i}' for i in ids])
            picture = av.VideoFrame.from_ndarray(image, 'bgr24')
            picture.pts, picture.time_base = frame, 1 / rate
            file.mux(stream.encode(picture))

        yield draw
        file.mux(stream.encode())  # what the encoder still holds
