"""The page about a denoising run, with pictures from wherever they lie."""

from __future__ import annotations

from pathlib import Path

from mmcion.datasets import open_images
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
        table: the images; in folders or an LMDB, or without paths.
        labels: the result of ``mmcion.denoise``, with its report.
        file: to write.
        max_tiles: pictures per contact sheet, 0 for none.
    """
    paths = table.path
    if paths is None:
        write_denoise_report(file, table, labels, max_tiles=max_tiles)
        return
    images = open_images(table.image_root)
    write_denoise_report(
        file,
        table,
        labels,
        load_image=lambda row: images.read(paths[row].decode()),
        max_tiles=max_tiles,
    )
