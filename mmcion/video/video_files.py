"""Which videos there are, and what to call them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mmengine.logging import print_log

VIDEO_ENDINGS = frozenset(
    f'.{ending}'
    for ending in (
        *('avi', 'flv', 'm2ts', 'm4v', 'mjpg', 'mkv', 'mov', 'mp4', 'mpeg'),
        *('mpg', 'mts', 'ogv', 'ts', 'vob', 'webm', 'wmv'),
    )
)


@dataclass(frozen=True)
class VideoFile:
    """A video and its name, which no other video of the run has.

    Attributes:
        name: path below the folder that was given, without its ending, with
            ``+`` for ``/`` as LUPerson has it.
        path: the file.
    """

    name: str
    path: Path

    def clip_names(self, clips: int) -> list[str]:
        """Return the names of the pieces that the video is cut into."""
        if clips == 1:
            return [self.name]
        return [f'{self.name}-clip{i}' for i in range(clips)]


def find_videos(sources: Sequence[str | Path]) -> list[VideoFile]:
    """Find videos in files and folders, sorted by name.

    Files that are named are taken as videos whatever their ending; of the
    files in folders only those whose ending is a video's.

    Raises:
        FileNotFoundError: if a source does not exist.
        ValueError: if there is no video at all, or two would have one name.
    """
    paths: list[Path] = []
    ignored = 0
    for source in map(Path, sources):
        if not source.exists():
            raise FileNotFoundError(f'there is no video or folder {source}')
        if source.is_file():
            paths.append(source)
            continue
        files = [p for p in source.rglob('*') if p.is_file()]
        videos = [p for p in files if p.suffix.lower() in VIDEO_ENDINGS]
        ignored += len(files) - len(videos)
        paths += videos
    if not paths:
        raise ValueError(
            f'no video in {", ".join(map(str, sources))}: {ignored} other '
            f'files. Videos end in {" ".join(sorted(VIDEO_ENDINGS))}.'
        )
    print_log(
        f'Found {len(paths)} videos; ignored {ignored} other files',
        logger='current',
    )
    return _named(paths, _common_folder(sources))


def _common_folder(sources: Sequence[str | Path]) -> Path:
    folders = [
        str((s if s.is_dir() else s.parent).resolve())
        for s in map(Path, sources)
    ]
    return Path(os.path.commonpath(folders))


def _named(paths: list[Path], folder: Path) -> list[VideoFile]:
    named: dict[str, Path] = {}
    for path in sorted({path.resolve() for path in paths}):
        inside = path.relative_to(folder).with_suffix('')
        name = '+'.join(inside.parts)
        if name in named:
            raise ValueError(
                f'{named[name]} and {path} would both be called {name!r}; '
                f'rename one, or write them to two output folders.'
            )
        named[name] = path
    return [VideoFile(name, named[name]) for name in sorted(named)]
