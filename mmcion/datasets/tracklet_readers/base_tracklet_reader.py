"""BaseTrackletReader: data sets whose file names hold the labels."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain, compress
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from mmcion.structures.tracklet_builder import TrackletBuilder, TrackletReading
from mmcion.utils.checks import UserError
from mmcion.utils.paths import printable
from mmcion.utils.progress import progress_bar
from mmcion.utils.skip_report import SkipReport

from .image_tree import WRONG_NAME, find_like, walk_images
from .packed_images import by_folder, find_packed, packed_names, stem

COPY = 'video that is already there from another folder'
# folder, names without suffix, and paths of many images at once
_Part = tuple[str, list[str], list[bytes]]


@dataclass(frozen=True)
class Layout:
    """Names of images, and the folders above them.

    Attributes:
        pattern: Pattern of a whole name without suffix, or of an LMDB key;
            its groups are integers.
        example: Path of an image below the root.
    """

    pattern: re.Pattern[str]
    example: str

    @property
    def depth(self) -> int:
        """Number of folders above an image."""
        return self.example.count('/')


class BaseTrackletReader:
    """Read a data set whose file names hold video, tracklet and frame.

    A reader states how images are named and which columns of a table the
    numbers in a name are. Walking, checking and counting happen here.

    Attributes:
        tree: Layout of images in one folder per video.
        flat: Layout of images in a single folder, and of the keys of an
            LMDB, if there are such copies.
        folder_is_video: Whether folders of one name are one video, of which
            only the first is read.
        wrong_levels: Hints for errors, by the number of folders above an
            image, where that is not the one of ``tree``.

    Args:
        check_sizes: Whether to skip images of zero bytes: a ``stat`` each.
    """

    tree: ClassVar[Layout]
    flat: ClassVar[Layout | None] = None
    folder_is_video: ClassVar[bool] = False
    wrong_levels: ClassVar[dict[int, str]] = {}

    def __init__(self, *, check_sizes: bool = False) -> None:
        self.check_sizes = check_sizes

    @abstractmethod
    def columns(
        self, fields: np.ndarray, video: int | np.ndarray
    ) -> dict[str, Any]:
        """Return arguments of ``TrackletBuilder.add``: columns by name.

        Args:
            fields: ``(n, G)`` int64, the groups of ``tree.pattern``.
            video: Index of the folder.
        """

    def flat_columns(self, fields: np.ndarray) -> dict[str, Any]:
        """Return them for ``flat``: the video, then the groups of ``tree``."""
        return self.columns(fields[:, 1:], fields[:, 0])

    def video_name(self, number: int, folders: list[str] | None) -> str:
        """Return the name of a video; ``folders`` is None for ``flat``."""
        return f'{number:05d}' if folders is None else folders[number]

    def skipped(
        self, fields: np.ndarray, folder: str
    ) -> dict[str, np.ndarray]:
        """Return ``(n,)`` bool masks of images to skip, by reason."""
        return {}

    def adjust(self, rows: dict[str, np.ndarray], is_flat: bool) -> None:
        """Change columns in place that depend on other rows.

        Args:
            rows: All columns, sorted by video, tracklet and frame.
            is_flat: Whether the layout is ``flat``.
        """

    def add_notes(self, reading: TrackletReading, is_flat: bool) -> None:
        """Note what is worth knowing in the report, such as counts."""

    def read(self, root: str | Path) -> TrackletReading:
        """Read the names of all images.

        Args:
            root: Folder of the layouts' examples, folder ``images``, LMDB,
                folder of ``lmdb`` and ``keys.pkl``, or of tar files.

        Raises:
            FileNotFoundError: If it does not exist.
            UserError: If no image is named as it should be.
        """
        root = Path(root)
        report = SkipReport(root)
        layout, depth = self.tree, self.tree.depth
        packed = find_packed(root)
        # images are found and added piece by piece, as there may be millions
        parts: Iterable[_Part]
        if packed:
            names = packed_names(packed, report, self.check_sizes)
            first = next(names, [])
            names = chain([first], names)
            if self.flat is not None and not any(
                self.tree.pattern.fullmatch(stem(name)) for name in first
            ):
                layout = self.flat
                parts = (('', list(map(stem, part)), part) for part in names)
            else:
                parts = by_folder(names, depth, report)
        else:
            # in root itself or, as in the archives, in images/
            image = self.flat and find_like(
                root, self.flat.pattern, max_depth=1
            )
            if self.flat is not None and image:
                layout, depth = self.flat, image.count('/')
            parts = (
                (
                    prefix[:-1],
                    [name.rpartition('.')[0] for name in names],
                    [f'{prefix}{name}'.encode() for name in names],
                )
                for prefix, names in walk_images(
                    root, depth, report, check_sizes=self.check_sizes
                )
            )
        is_flat = layout is not self.tree
        builder, folders = self._add_parts(parts, layout, report)
        if not len(builder):
            lines = [*self._describe(root, is_flat), *report.lines()]
            raise UserError('\n  '.join(lines))
        rows = builder.sorted_rows(report)
        self.adjust(rows, is_flat)
        videos = None if is_flat else folders
        reading = TrackletReading.from_rows(
            rows,
            video_name=lambda number: self.video_name(number, videos),
            image_root=packed or root,
            report=report,
        )
        self.add_notes(reading, is_flat)
        return reading

    def _add_parts(
        self, parts: Iterable[_Part], layout: Layout, report: SkipReport
    ) -> tuple[TrackletBuilder, list[str]]:
        """Collect the images whose names fit, and the folders of these."""
        builder = TrackletBuilder()
        folders: list[str] = []
        seen: dict[str, str] = {}  # folder by its last name
        with progress_bar(desc='reading', unit='img') as bar:
            for folder, names, paths in parts:
                bar.update(len(names))
                name = folder.rpartition('/')[2]
                first = seen.setdefault(name, folder)
                if self.folder_is_video and first != folder:
                    report.skip(COPY, printable(paths[0]), count=len(names))
                    continue
                # (m, G) groups of the m names that fit
                fields, rows = parse_names(names, layout.pattern)
                wrong = np.ones(len(names), bool)
                wrong[rows] = False
                report.skip_rows(WRONG_NAME, paths, wrong)
                paths = [paths[row] for row in rows]
                # an image is counted for the first reason that it has
                left = np.ones(len(rows), bool)
                for reason, mask in self.skipped(fields, folder).items():
                    report.skip_rows(reason, paths, mask & left)
                    left &= ~mask
                if not left.any():
                    continue
                # parts of a large folder follow each other
                if not folders or folders[-1] != folder:
                    folders.append(folder)
                if layout is self.tree:
                    columns = self.columns(fields[left], len(folders) - 1)
                else:
                    columns = self.flat_columns(fields[left])
                builder.add(path=list(compress(paths, left)), **columns)
        return builder, folders

    def _describe(self, root: Path, is_flat: bool) -> list[str]:
        """Return lines: which images were expected, and what is there."""
        expected, depth = self.tree.example, self.tree.depth
        if self.flat is not None:
            expected += f' or {self.flat.example} (or such keys of an LMDB)'
        # an image of the data set at another level, or any image
        found = find_like(root, self.tree.pattern)
        if found is None:
            found = find_like(root, re.compile('.*')) or 'no image at all'
        elif not is_flat and (levels := found.count('/')) != depth:
            default = f'give the folder that is {depth} above the images'
            hint = self.wrong_levels.get(levels, default)
            found += (
                f', which is {levels} folders deep and not {depth}: {hint}'
            )
        return [
            f'no images were found in {root}',
            f'expected: {expected}',
            f'found: {found}',
        ]


def parse_names(
    names: list[str], pattern: re.Pattern[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Read the numbers in the names that a pattern matches as a whole.

    Returns:
        ``(m, G)`` int64 groups of the m names, and ``(m,)`` their indices.
    """
    values: list[int] = []
    indices = []
    for index, name in enumerate(names):
        found = pattern.fullmatch(name)
        if found is not None:
            indices.append(index)
            values.extend(map(int, found.groups()))
    fields = np.array(values, np.int64).reshape(-1, pattern.groups)
    return fields, np.array(indices, np.int64)
