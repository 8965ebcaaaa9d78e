"""The page about a denoising run, with pictures from wherever they lie."""

from __future__ import annotations

import logging
from pathlib import Path

from mmengine.logging import print_log

from mmcion.datasets import open_images
from mmcion.datasets.image_reader import ImageReader
from mmcion.structures import IdentityLabels, TrackletTable
from mmcion.visualization import write_denoise_report


def report_denoising(
    table: TrackletTable,
    labels: IdentityLabels,
    file: str | Path,
    *,
    max_tiles: int = 100,
) -> None:
    """Write a self-contained HTML page.

    Args:
        table: the images; in folders or an LMDB. Without paths, or where
            the folder or LMDB is gone, the page has no pictures.
        labels: the result of ``mmcion.denoise``, with its report.
        file: to write.
        max_tiles: pictures per contact sheet, 0 for none.

    Raises:
        ValueError: if the labels are those of another table.
    """
    origin = labels.report.get('inputs', {}).get('table')
    if origin not in (None, table.fingerprint()):
        raise ValueError(
            f'these identities are those of another table ({origin}, not '
            f'{table.fingerprint()}).'
        )
    paths = table.path
    if paths is None:
        write_denoise_report(file, table, labels, max_tiles=max_tiles)
        return
    try:
        images = _open_images(table.image_root)
    except FileNotFoundError as error:
        print_log(
            f'{file} has no pictures: {error}',
            logger='current',
            level=logging.WARNING,
        )
        write_denoise_report(file, table, labels, max_tiles=0)
        return
    write_denoise_report(
        file,
        table,
        labels,
        load_image=lambda row: images.read(paths[row].decode()),
        max_tiles=max_tiles,
    )


def _open_images(root: Path | None) -> ImageReader:
    if root is not None and not root.exists():
        raise FileNotFoundError(f'there are no images at {root}.')
    return open_images(root)
