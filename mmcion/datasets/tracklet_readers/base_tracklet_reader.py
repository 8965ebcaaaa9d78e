"""BaseTrackletReader: data sets whose file names hold the labels."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from mmcion.structures.tracklet_builder import TrackletBuilder, TrackletReading
from mmcion.utils.checks import UserError
from mmcion.utils.progress import progress_bar
from mmcion.utils.skip_report import SkipReport

from .image_tree import WRONG_NAME, find_like, walk_images
from .lmdb_keys import find_lmdb, read_keys

COPY = 'video that is already there from another folder'
# folder, names without suffix, and paths of many images at once
_Part = tuple[str, list[str], list[bytes]]


@dataclass(frozen=True)
class Layout:
    """Names of images, and the folders above them.

    Attributes:
        pattern: Expression that matches a whole name without suffix, or an
            LMDB key. Its groups are integers.
        example: Path of an image below the root, for errors.
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
            LMDB, if there are copies of this kind.
        folder_is_video: Whether folders of one name are one video. Only the
            first of them is read.
        wrong_levels: What to do about images that lie in another number of
            folders than ``tree``, by that number, for errors.

    Args:
        check_sizes: Skip images of zero bytes; costs a ``stat`` each.
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
        """Return the columns ``video``, ``tracklet``, ``frame`` and others.

        Args:
            fields: ``(n, G)`` int64, the groups of ``tree.pattern``.
            video: Index of the folder.

        Returns:
            Arguments of ``TrackletBuilder.add``.
        """

    def flat_columns(self, fields: np.ndarray) -> dict[str, Any]:
        """Return the columns for ``(n, G)`` groups of ``flat.pattern``.

        By default the video comes first, then the groups of ``tree``.
        """
        return self.columns(fields[:, 1:], fields[:, 0])

    def video_name(self, number: int, folders: list[str] | None) -> str:
        """Return the name of a video.

        Args:
            number: Value of the column ``video``.
            folders: Names of the folders; None for ``flat``.
        """
        return f'{number:05d}' if folders is None else folders[number]

    def skipped(
        self, fields: np.ndarray, folder: str
    ) -> dict[str, np.ndarray]:
        """Return ``(n,)`` bool masks of images to skip, by reason.

        An image is counted for the first reason that it has.
        """
        return {}

    def adjust(self, rows: dict[str, np.ndarray], is_flat: bool) -> None:
        """Change columns in place that depend on other rows.

        Args:
            rows: All columns, sorted by video, tracklet and frame.
            is_flat: Whether the images are in the layout ``flat``.
        """

    def add_notes(self, reading: TrackletReading, is_flat: bool) -> None:
        """Note what is worth knowing in the report, such as counts."""

    def read(self, root: str | Path) -> TrackletReading:
        """Read the names of all images.

        Args:
            root: Folder that the examples of the layouts are relative to,
                or the folder ``images`` itself, an LMDB, or the folder of
                ``lmdb`` and ``keys.pkl``.

        Raises:
            FileNotFoundError: If it does not exist.
            UserError: If no image is named as it should be.
        """
        root = Path(root)
        if not root.exists():
            raise FileNotFoundError(f'{root} does not exist.')
        report = SkipReport(root)
        layout, depth, lmdb = self.tree, self.tree.depth, None
        if self.flat is not None:
            lmdb = find_lmdb(root)
            # in root itself or, as in the archives, in images/
            image = find_like(root, self.flat.pattern, max_depth=1)
            if lmdb or image:
                layout, depth = self.flat, (image or '').count('/')
        is_flat = layout is not self.tree
        # images are found and added piece by piece, as there may be millions
        parts = (
            self._lmdb_parts(lmdb, report)
            if lmdb
            else self._folder_parts(root, depth, report)
        )
        builder = TrackletBuilder()
        folders = self._add_parts(builder, parts, layout, report)
        if not len(builder):
            raise UserError(self._explain_nothing(root, is_flat, report))
        rows = builder.sorted_rows(report)
        self.adjust(rows, is_flat)
        names = None if is_flat else folders
        reading = TrackletReading.from_rows(
            rows,
            video_name=lambda number: self.video_name(number, names),
            image_root=lmdb or root,
            report=report,
        )
        self.add_notes(reading, is_flat)
        return reading

    def _lmdb_parts(self, lmdb: Path, report: SkipReport) -> Iterator[_Part]:
        for keys in read_keys(lmdb, report, check_sizes=self.check_sizes):
            yield '', [key.decode('ascii', 'replace') for key in keys], keys

    def _folder_parts(
        self, root: Path, depth: int, report: SkipReport
    ) -> Iterator[_Part]:
        for parts, names in walk_images(
            root, depth, report, check_sizes=self.check_sizes
        ):
            stems = [name.rpartition('.')[0] for name in names]
            paths = ['/'.join((*parts, name)).encode() for name in names]
            yield '/'.join(parts), stems, paths

    def _add_parts(
        self,
        builder: TrackletBuilder,
        parts: Iterable[_Part],
        layout: Layout,
        report: SkipReport,
    ) -> list[str]:
        """Add the images whose names fit; return the folders that have any."""
        folders: list[str] = []
        seen: dict[str, str] = {}  # folder by its last name
        with progress_bar(desc='reading', unit='img') as bar:
            for folder, names, paths in parts:
                bar.update(len(names))
                name = folder.rpartition('/')[2]
                if (
                    self.folder_is_video
                    and seen.setdefault(name, folder) != folder
                ):
                    report.skip(COPY, paths[0].decode(), count=len(names))
                    continue
                # (m, G) groups of the names that fit, (m,) their indices
                fields, keep = parse_names(names, layout.pattern)
                reasons = {WRONG_NAME: np.delete(np.arange(len(names)), keep)}
                left = np.ones(len(keep), bool)
                for reason, mask in self.skipped(fields, folder).items():
                    reasons[reason] = keep[mask & left]
                    left &= ~mask
                fields, keep = fields[left], keep[left]
                for reason, rows in reasons.items():
                    if len(rows):
                        some = [paths[row].decode() for row in rows[:5]]
                        report.skip(reason, *some, count=len(rows))
                if not len(keep):
                    continue
                # parts of a large folder follow each other
                if not folders or folders[-1] != folder:
                    folders.append(folder)
                builder.add(
                    path=[paths[row] for row in keep],
                    **(
                        self.columns(fields, len(folders) - 1)
                        if layout is self.tree
                        else self.flat_columns(fields)
                    ),
                )
        return folders

    def _explain_nothing(
        self, root: Path, is_flat: bool, report: SkipReport
    ) -> str:
        """Return what was expected, and what is there instead."""
        expected = self.tree.example
        if self.flat is not None:
            expected = (
                f'{self.flat.example}, or such keys in an LMDB'
                if is_flat
                else f'{expected} or {self.flat.example}'
            )
        # an image of the data set at another level, or any image
        found = find_like(root, self.tree.pattern)
        if found is None:
            found = find_like(root, re.compile('.*')) or 'no image at all'
        elif not is_flat and found.count('/') != self.tree.depth:
            depth, levels = self.tree.depth, found.count('/')
            hint = self.wrong_levels.get(
                levels, f'give the folder that is {depth} above the images'
            )
            found += (
                f', which is {levels} folders deep and not {depth}: {hint}'
            )
        return '\n  '.join(
            [
                f'no images were found in {root}',
                f'expected: {expected}',
                f'found: {found}',
                *report.lines(),
            ]
        )


def parse_names(
    names: list[str], pattern: re.Pattern[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Read the numbers in names.

    Args:
        names: ``n`` names.
        pattern: Must match a name as a whole. Its groups are integers.

    Returns:
        ``(m, G)`` int64 numbers of the names that match, and ``(m,)`` their
        indices.
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
