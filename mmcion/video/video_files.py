"""Find videos and give each a name."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mmengine.logging import print_log

from mmcion.utils.checks import UserError, join_names, name_in_errors
from mmcion.utils.paths import path_inside, printable

from .video_reader import check_video

VIDEO_SUFFIXES = {
    '.avi', '.flv', '.m2ts', '.m4v', '.mjpg', '.mkv', '.mov', '.mp4', '.mpeg',
    '.mpg', '.mts', '.ogv', '.ts', '.vob', '.webm', '.wmv',
}  # fmt: skip


@dataclass(frozen=True)
class VideoFile:
    """A video and its name, which is unique in a run.

    The name is the path below the folder that was given, without suffix and
    with ``+`` for ``/``, as in LUPerson.
    """

    name: str
    path: Path

    def __post_init__(self) -> None:
        # folders are named after it; hidden ones are those of killed runs
        with name_in_errors(f'video {printable(self.path)}, rename it'):
            path_inside('crops', self.name)
            if self.name.startswith('.'):
                raise UserError(f'{self.name!r} begins with a dot.')

    def clip_names(self, clips: int) -> list[str]:
        """Return the names of the clips that the video is cut into."""
        if clips == 1:
            return [self.name]
        return [f'{self.name}-clip{i}' for i in range(clips)]


def find_videos(sources: Sequence[str | Path]) -> list[VideoFile]:
    """Find videos in files and folders, sorted by name.

    A file that is given by its path counts as a video whatever its suffix.
    Hidden files and folders are skipped.

    Raises:
        FileNotFoundError: If a source does not exist.
        UserError: If no video is found, or two would have the same name.
    """
    # Path as given by resolved path: the same file twice is one video, but
    # a link keeps its own name and folder, where its box file is.
    paths: dict[Path, Path] = {}
    folders: list[str] = []
    ignored = 0
    for given in sources:
        source = Path(given)
        if source.is_dir():
            folders.append(os.path.abspath(source))
            files = [
                path
                for path in source.rglob('*')
                if path.is_file()
                and not any(
                    part.startswith('.')
                    for part in path.relative_to(source).parts
                )
            ]
            videos = [p for p in files if p.suffix.lower() in VIDEO_SUFFIXES]
            ignored += len(files) - len(videos)
        else:
            videos = [check_video(given)]
            folders.append(os.path.abspath(source.parent))
        for path in videos:
            paths.setdefault(path.resolve(), Path(os.path.abspath(path)))
    found = f'found {len(paths)} videos and {ignored} other files'
    if not paths:
        known = ' '.join(sorted(VIDEO_SUFFIXES))
        raise UserError(f'{found} in {join_names(sources)}; known: {known}.')
    print_log(found, logger='current')
    # names are relative to the folder that all sources have in common
    common = os.path.commonpath(folders)
    named: dict[str, Path] = {}
    for path in sorted(paths.values()):
        below = path.relative_to(common)
        # not with_suffix(''), which fails for names like '..avi'
        stem = below.name.removesuffix(below.suffix)
        name = '+'.join([*below.parent.parts, stem])
        if name in named:
            raise UserError(
                f'{named[name]} and {path} are both {name!r}: rename one.'
            )
        named[name] = path
    return [VideoFile(name, named[name]) for name in sorted(named)]
