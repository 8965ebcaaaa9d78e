"""BoxFileDetector: boxes that another program wrote."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mmcion.registry import DETECTORS
from mmcion.utils.checks import UserError, check_folder
from mmcion.utils.skip_report import SkipReport

from ..box_files import BOX_SUFFIXES, box_suffix, read_box_file
from ..detections import Detections
from .base_detector import BaseDetector

TOO_LATE = 'box after the last frame of the video'
NOT_READ = 'box in a frame that cannot be read'
LOW_SCORE = 'box whose score is too low'


@DETECTORS.register_module()
class BoxFileDetector(BaseDetector):
    """Reads the boxes of each video from a file; see ``read_box_file``.

    For ``walk.mp4`` it takes ``walk.txt``, ``walk.csv`` or ``walk.pkl``, or
    MOTChallenge's ``walk/det/det.txt``, in the folder ``boxes``.

    Args:
        boxes: Folder of the box files, or the one file if there is one
            video; None for the folder of each video.
        first_frame: Number of a video's first frame in the files, if it is
            not the one of their format.
        score_thr: Least score of a box.
        ignore: Columns of CSV files to ignore, one name or several.
    """

    def __init__(
        self,
        boxes: str | None = None,
        *,
        first_frame: int | None = None,
        score_thr: float | None = None,
        ignore: str | Sequence[str] = (),
    ) -> None:
        self.boxes = None if boxes is None else Path(boxes)
        if self.boxes is not None and not self.boxes.is_file():
            check_folder(self.boxes, 'boxes:')
        self.first_frame = first_frame
        self.score_thr = score_thr
        self.ignore = [ignore] if isinstance(ignore, str) else list(ignore)

    def check_videos(self, videos: Sequence[Path]) -> None:
        """Raise UserError if a file is no box file, or of several videos."""
        if self.boxes is None or not self.boxes.is_file():
            return
        if len(videos) > 1:
            raise UserError(
                f'{self.boxes} is one file for {len(videos)} videos; give a '
                f'folder of box files.'
            )
        # before the videos are opened, which are not to blame
        box_suffix(self.boxes)

    def input_files(self, video: Path) -> list[Path]:
        """Return the file that the boxes of ``video`` come from.

        Raises:
            FileNotFoundError: If there is none; lists where it was expected.
        """
        if self.boxes is not None and self.boxes.is_file():
            return [self.boxes]
        folder = self.boxes or video.parent
        names = [video.stem + suffix for suffix in BOX_SUFFIXES]
        names += [f'{video.stem}/det/det.txt']
        for name in names:
            if (folder / name).is_file():
                return [folder / name]
        raise FileNotFoundError(
            f'{video} has no box file: none of {", ".join(names)} in {folder}.'
        )

    def open_video(self, video: Path) -> None:
        """Read the boxes of ``video``."""
        (path,) = self.input_files(video)
        self._report = SkipReport(path)
        self._num_seen = 0  # boxes of the frames up to now
        self._file = read_box_file(
            path,
            first_frame=self.first_frame,
            report=self._report,
            ignore=self.ignore,
        )

    def detect(self, image: np.ndarray, frame: int) -> Detections:
        """Return the boxes of a frame."""
        found = self._file.frame(frame)
        self._num_seen += len(found)
        if self.score_thr is not None:
            kept = found.scores >= self.score_thr
            if not kept.all():
                place = f'{self._report.source} frame {frame}'
                self._report.skip(LOW_SCORE, place, count=int((~kept).sum()))
            found = found[kept]
        return found

    def left_out(self, num_frames: int) -> SkipReport:
        """Return which boxes of the file were left out, and why."""
        frames = self._file.frames
        late = frames[frames >= num_frames]
        if len(late):
            first = f'frame {late[0]} from 0, of {num_frames}'
            self._report.skip(TOO_LATE, first, count=len(late))
        if num_broken := len(frames) - len(late) - self._num_seen:
            self._report.skip(NOT_READ, count=num_broken)
        return self._report
