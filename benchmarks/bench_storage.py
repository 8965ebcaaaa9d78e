"""Measure time and memory of tables, annotations and features on disk.

Example::

    python benchmarks/bench_storage.py --rows 10000000 --annotations 3900000

Everything is made in a temporary folder (4 GB for these sizes). Every step
runs in its own process, whose peak memory is that of the step; ``base_mb`` is
what the imports take. The last line of output is JSON.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

PER_TRACKLET, PER_VIDEO = 24, 500
PER_IDENTITY = 16
BLOCK = 1 << 16


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('--rows', type=int, default=10_000_000)
    parser.add_argument('--annotations', type=int, default=3_900_000)
    parser.add_argument('--features', type=int, default=1_000_000)
    parser.add_argument('--dim', type=int, default=256)
    parser.add_argument('--dir', help='parent of the temporary folder')
    parser.add_argument('--step', choices=STEPS, help=argparse.SUPPRESS)
    return parser.parse_args()


def peak_mb() -> float:
    """Return the peak resident memory of this process."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def image_names(rows: int) -> list[str]:
    """Return paths of about forty characters."""
    return [
        f'sec{n % 97:02d}/video_{n // 500:07d}/{n:013d}.jpg'
        for n in range(rows)
    ]


def make_table(args: argparse.Namespace, folder: Path) -> dict[str, float]:
    """Build the table from text paths, and save it."""
    from mmcion.structures import TrackletTable

    row = np.arange(args.rows)
    names = image_names(args.rows)
    held = peak_mb()
    start = time.perf_counter()
    table = TrackletTable.from_columns(
        video_id=row // PER_VIDEO,
        tracklet_id=row % PER_VIDEO // PER_TRACKLET,
        frame=row % PER_VIDEO,
        path=names,
    )
    built = time.perf_counter()
    more = peak_mb() - held
    table.save(folder / 'table')
    return {
        'table_build_s': built - start,
        'table_build_more_mb': more,
        'table_save_s': time.perf_counter() - built,
    }


def open_table(args: argparse.Namespace, folder: Path) -> dict[str, float]:
    """Open the table and read the ends of its groups."""
    from mmcion.structures import TrackletTable

    before = peak_mb()
    start = time.perf_counter()
    table = TrackletTable.load(folder / 'table')
    ends = table.tracklet_ptr[-1], table.video_ptr[-1]
    opened = time.perf_counter()
    assert ends == (args.rows, args.rows)
    more = peak_mb() - before
    table.fingerprint()
    return {
        'table_open_s': opened - start,
        'table_open_more_mb': more,
        'table_fingerprint_s': time.perf_counter() - opened,
    }


def make_annotation(
    args: argparse.Namespace, folder: Path
) -> dict[str, float]:
    """Save an annotation as columns."""
    from mmcion.structures import AnnotationTable

    pid = np.arange(args.annotations) // PER_IDENTITY
    start = time.perf_counter()
    AnnotationTable(image_names(args.annotations), pid).save(
        folder / 'annotation'
    )
    return {'annotation_save_s': time.perf_counter() - start}


def export_json(args: argparse.Namespace, folder: Path) -> dict[str, float]:
    """Write the annotation as CION's JSON."""
    from mmcion.structures import AnnotationTable

    base = peak_mb()
    start = time.perf_counter()
    table = AnnotationTable.load(folder / 'annotation')
    table.to_cion_json(folder / 'annos.json')
    return {
        'json_export_s': time.perf_counter() - start,
        'json_export_peak_mb': peak_mb(),
        'base_mb': base,
        'json_mb': (folder / 'annos.json').stat().st_size / 1e6,
    }


def import_json(args: argparse.Namespace, folder: Path) -> dict[str, float]:
    """Read CION's JSON."""
    from mmcion.structures import AnnotationTable

    start = time.perf_counter()
    table = AnnotationTable.load(folder / 'annos.json')
    assert len(table) == args.annotations
    return {
        'json_import_s': time.perf_counter() - start,
        'json_import_peak_mb': peak_mb(),
    }


def read_features(args: argparse.Namespace, folder: Path) -> dict[str, float]:
    """Read all features block by block, compared with a plain conversion."""
    from mmcion.structures import FeatureStore

    shape = (args.features, args.dim)
    rng = np.random.default_rng(0)
    features = FeatureStore.create(folder / 'features', shape)
    starts = range(0, args.features, BLOCK)
    for start in starts:
        part = features[start : start + BLOCK]
        part[:] = rng.standard_normal(part.shape, np.float32) + 0.5
    FeatureStore.finish(folder / 'features', {})
    store = FeatureStore.open(folder / 'features')
    array = np.load(folder / 'features' / FeatureStore.ARRAY, mmap_mode='r')

    def best_rate(read: Callable[[slice], Any]) -> float:
        seconds = []
        for _ in range(3):
            begin = time.perf_counter()
            for start in starts:
                read(slice(start, start + BLOCK))
            seconds.append(time.perf_counter() - begin)
        return array.nbytes / min(seconds) / 1e9

    floor = best_rate(lambda rows: array[rows].astype(np.float32))
    begin = time.perf_counter()
    centered = store.centered()
    mean_s = time.perf_counter() - begin
    return {
        'features_astype_gb_per_s': floor,
        'features_read_gb_per_s': best_rate(store.__getitem__),
        'features_centered_gb_per_s': best_rate(centered.__getitem__),
        'features_mean_gb_per_s': array.nbytes / mean_s / 1e9,
    }


STEPS: dict[str, Callable[[argparse.Namespace, Path], dict[str, float]]] = {
    'make_table': make_table,
    'open_table': open_table,
    'make_annotation': make_annotation,
    'export_json': export_json,
    'import_json': import_json,
    'read_features': read_features,
}


def main() -> None:
    """Measure and print."""
    args = parse_args()
    if args.step:
        print(json.dumps(STEPS[args.step](args, Path(args.dir))))
        return
    result: dict[str, float] = {
        name: getattr(args, name)
        for name in ('rows', 'annotations', 'features', 'dim')
    }
    with tempfile.TemporaryDirectory(dir=args.dir) as folder:
        for step in STEPS:
            command = [sys.executable, __file__, '--step', step]
            for name in ('rows', 'annotations', 'features', 'dim'):
                command += [f'--{name}', str(getattr(args, name))]
            done = subprocess.run(
                [*command, '--dir', folder],
                check=True,
                stdout=subprocess.PIPE,
                text=True,
            )
            found = json.loads(done.stdout.splitlines()[-1])
            for name, value in found.items():
                result[name] = round(value, 4)
                print(f'{name:28}{value:12.4f}', flush=True)
    print(json.dumps(result))


if __name__ == '__main__':
    main()
