"""Train any recipe on images of one's own: ``tools/train.py --data``."""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from mmengine.config import Config
from mmengine.dist import barrier, is_main_process
from mmengine.logging import print_log

from mmcion.datasets import FolderReID, Market1501, ReIDDataset
from mmcion.datasets.reid.base_reid_dataset import TEST_PARTS
from mmcion.datasets.reid.reid_image import JUNK, ReIDImage
from mmcion.models.weights.network_config import (
    evaluation_pipeline,
    flat_transforms,
)
from mmcion.registry import MODELS
from mmcion.structures import AnnotationTable
from mmcion.structures.column_folder import HEADER
from mmcion.utils.checks import UserError, check_image_size, check_interval
from mmcion.utils.config_check import arguments
from mmcion.utils.images import is_image_name
from mmcion.utils.io import write_csv
from mmcion.utils.paths import utf8_path

_FORMS = (
    'the folder that tools/denoise.py wrote, an AnnotationTable, a '
    'TrackletTable, a CION annotation (.json), a CSV with the columns path '
    'and pid, a folder with one folder of images per identity, or images '
    'named as in Market-1501 (0002_c1s1_000451_03.jpg)'
)


class _IdentityFolders(FolderReID):
    hint = f'Give {_FORMS}.'


class OwnData(NamedTuple):
    """What a run trains on, and is tested on.

    Attributes:
        ann_file: Annotation of the training.
        num_identities: Identities in it.
        num_cameras: Cameras in it, at least: one more than the last number.
        test_csv: Images of the test, for ``ReIDDataset``; None without.
        has_cameras: Whether an identity of theirs has several cameras.
        draw_queries: Whether queries are drawn from them, as from identities
            that were held out.
    """

    ann_file: str
    num_identities: int
    num_cameras: int
    test_csv: str | None = None
    has_cameras: bool = False
    draw_queries: bool = True


def read_set(path: str | Path) -> AnnotationTable:
    """Read a set of training images in any of the forms of ``--data``.

    Identities are 0..P-1; a camera is 0 where none is known.

    Raises:
        FileNotFoundError: If there is nothing at the path.
        UserError: If it has none of the forms.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f'{path} does not exist. Give {_FORMS}.')
    if (annotation := _annotation(path)) is not None:
        return AnnotationTable.load(annotation)
    images = _read_images(path)
    kept = sorted(image for image in images if image.pid != JUNK)
    if not kept:
        raise UserError(f'{path} has no images to train on. Give {_FORMS}.')
    root = path if path.is_dir() else path.parent
    _, pid = np.unique([image.pid for image in kept], return_inverse=True)
    return AnnotationTable(
        [os.path.relpath(image.path, root) for image in kept],
        pid,
        np.array([max(image.cam_id, 0) for image in kept]),
        root,
    )


def _annotation(path: Path) -> Path | None:
    """Return the annotation that a path is or has; None if it has none."""
    if path.suffix == '.json':
        return path
    for folder in (path / 'annotation', path):
        if (folder / HEADER).is_file():
            return folder
    return None


def _read_images(path: Path) -> list[ReIDImage]:
    """Return the images of a CSV or of a folder."""
    options: dict[str, Any] = {'split': 'train', 'lazy_init': True}
    if path.is_file():
        if path.suffix != '.csv':
            raise UserError(f'{path} is no set of images. Give {_FORMS}.')
        dataset: Any = ReIDDataset(path, path.parent, **options)
        return dataset.read()['train']
    if (path / 'bounding_box_train').is_dir():
        return Market1501(path, **options).read()['train']
    if any(is_image_name(entry.name) for entry in os.scandir(path)):
        return Market1501(path, **options).read_folder(path)
    return _IdentityFolders(path, **options).read()['train']


def prepare_data(
    paths: Sequence[str],
    folder: str | Path,
    *,
    hold_out: float | None = None,
    seed: int = 0,
) -> OwnData:
    """Read sets of images, and write what a run needs of them.

    The main process writes; call it on all ranks.

    Args:
        paths: Sets, see ``read_set``. Identities and cameras of different
            sets are different ones.
        folder: Folder for the annotation; a single annotation that is used
            as a whole stays where it is.
        hold_out: Fraction of the identities to test on instead; None to test
            on the rows that CSV files mark as query and gallery, if any.
        seed: Seed of their draw.
    """
    if hold_out is not None:
        check_interval('(0, 1)', hold_out=hold_out)
    tables = [read_set(path) for path in paths]
    source = _annotation(Path(paths[0]))
    if len(tables) == 1 and hold_out is None and source is not None:
        (table,) = tables
        num_pids = len(np.unique(table.pid))
        return OwnData(str(source), num_pids, _num_cameras(table))
    table = join_sets(tables)
    pids = np.unique(table.pid)
    held = set()
    if hold_out is not None:
        count = round(hold_out * len(pids))
        if not 2 <= count <= len(pids) - 2:
            raise UserError(
                f'--hold-out {hold_out} of {len(pids)} identities is {count}; '
                f'testing and training need two each.'
            )
        held = set(random.Random(seed).sample(pids.tolist(), count))
    is_held = np.isin(table.pid, list(held))  # (N,)
    # [path, pid, camera] or [path, pid, split, camera]
    rows = _held_rows(table, is_held) if held else _marked_rows(paths, tables)
    # where no identity has two cameras, no query would have a match: leave
    # them out
    seen = {(row[1], row[-1]) for row in rows if row[1] != JUNK}
    has_cameras = len(seen) > len({pid for pid, _ in seen})
    train = Path(folder) / 'train'
    test = Path(folder) / ('hold_out.csv' if held else 'test.csv')
    if is_main_process():
        kept = ~is_held
        _, pid = np.unique(table.pid[kept], return_inverse=True)
        AnnotationTable(
            table.path[kept], pid, table.cam_id[kept], table.image_root
        ).save(train)
        if rows:
            columns = ['path', 'pid', *([] if held else ['split']), 'cam_id']
            end = None if has_cameras else -1
            write_csv(test, [row[:end] for row in (columns, *rows)])
    barrier()
    print_log(
        f'own data: {int((~is_held).sum())} images of '
        f'{len(pids) - len(held)} identities to train on, {len(rows)} of '
        f'{len({row[1] for row in rows})} to test on',
        'current',
    )
    return OwnData(
        str(train),
        len(pids) - len(held),
        _num_cameras(table),
        str(test) if rows else None,
        has_cameras,
        draw_queries=bool(held),
    )


def _num_cameras(table: AnnotationTable) -> int:
    return int(table.cam_id.max(initial=0)) + 1


def _held_rows(table: AnnotationTable, is_held: np.ndarray) -> list[list[Any]]:
    """Return path, identity and camera of the images held out."""
    root = _image_folder(table)
    # a CSV is UTF-8, and so must be what it names
    paths = [utf8_path(root / os.fsdecode(p)) for p in table.path[is_held]]
    labels = zip(table.pid[is_held], table.cam_id[is_held], strict=True)
    return [[p, *label] for p, label in zip(paths, labels, strict=True)]


def _marked_rows(
    paths: Sequence[str], tables: Sequence[AnnotationTable]
) -> list[list[Any]]:
    """Return path, identity, split and camera of the tests in CSV files.

    Identities and cameras of each file get numbers of their own; cameras have
    those of ``join_sets``, and others follow. A file without queries is no
    test.
    """
    rows: list[list[Any]] = []
    counts = [_num_cameras(table) for table in tables]
    first_pid, first_other = 0, sum(counts)
    for number, path in enumerate(map(Path, paths)):
        if path.suffix != '.csv' or path.is_dir():
            continue
        parts = ReIDDataset(path, path.parent, lazy_init=True).read_parts()
        if 'query' not in parts:
            continue
        # queries before the gallery, each in the order of the file
        images = [(s, i) for s in TEST_PARTS for i in parts.get(s, [])]
        cams = {max(image.cam_id, 0) for _, image in images}
        numbers = {cam: sum(counts[:number]) + cam for cam in cams}
        others = sorted(cam for cam in cams if cam >= counts[number])
        numbers |= {cam: first_other + i for i, cam in enumerate(others)}
        rows += [
            [
                os.path.abspath(image.path),
                image.pid if image.pid == JUNK else image.pid + first_pid,
                split,
                numbers[max(image.cam_id, 0)],
            ]
            for split, image in images
        ]
        first_pid += max(image.pid for _, image in images) + 1
        first_other += len(others)
    return rows


def join_sets(tables: Sequence[AnnotationTable]) -> AnnotationTable:
    """Join sets; identities and cameras of each get numbers of their own."""
    if len(tables) == 1:
        return tables[0]
    roots = [_image_folder(table) for table in tables]
    common = Path(os.path.commonpath(roots))
    paths, pids, cams = [], [], []
    first_pid = first_cam = 0
    for root, table in zip(roots, tables, strict=True):
        prefix = str(root.relative_to(common))
        paths += [
            os.path.join(prefix, os.fsdecode(name))
            for name in table.path.tolist()
        ]
        pids.append(table.pid + first_pid)
        cams.append(table.cam_id + first_cam)
        first_pid += int(table.pid.max(initial=-1)) + 1
        first_cam += int(table.cam_id.max(initial=-1)) + 1
    return AnnotationTable(
        paths, np.concatenate(pids), np.concatenate(cams), common
    )


def _image_folder(table: AnnotationTable) -> Path:
    """Return the folder of a set that is joined or split."""
    root = Path(table.image_root or '.').resolve()
    if not root.is_dir() or (root / 'data.mdb').exists():
        raise UserError(
            f'{root} is no folder of image files: packed images can only be '
            f'trained on by themselves, all of them.'
        )
    return root


def use_own_data(cfg: Config, data: OwnData) -> None:
    """Let a recipe train on own images, and test on those of the test.

    Sets the data sets and, of a fine-tuning recipe, the number of classes and
    of cameras. A recipe has no validation without a test.
    """
    dataset = cfg.train_dataloader.dataset
    pretrains = dataset.type == 'IdentityDataset'
    options = {'ann_file': data.ann_file, 'data_root': None}
    if pretrains:
        dataset.update(options)
    else:
        cfg.train_dataloader.dataset = {
            'type': 'IdentityDataset',
            **options,
            'pipeline': dataset.pipeline,
        }
    if 'num_classes' in (cfg.model.get('head') or {}):
        cfg.model.head.num_classes = data.num_identities
    if cfg.model.backbone.get('num_cameras'):
        cfg.model.backbone.num_cameras = data.num_cameras
    if data.test_csv is None:
        for part in ('dataloader', 'cfg', 'evaluator'):
            for stage in ('val', 'test'):
                cfg.pop(f'{stage}_{part}', None)
        cfg.train_cfg.pop('val_interval', None)
        cfg.default_hooks.checkpoint.pop('save_best', None)
        return
    loader = cfg.get('val_dataloader') or cfg.get('test_dataloader')
    # a recipe that is only tested, never validated, stays so
    only_test = loader is not None and not cfg.get('val_dataloader')
    if not loader:
        loader = {
            'batch_size': 64,
            'num_workers': 2,
            'sampler': {'type': 'DefaultSampler', 'shuffle': False},
            'dataset': {'pipeline': evaluation_pipeline(cfg)},
        }
    test = {
        'type': 'ReIDDataset',
        'ann_file': data.test_csv,
        'data_root': '/',
        'draw_queries': data.draw_queries,
        'pipeline': loader['dataset']['pipeline'],
    }
    for stage in ('test',) if only_test else ('val', 'test'):
        cfg[f'{stage}_dataloader'] = {**loader, 'dataset': test}
        cfg[f'{stage}_evaluator'] = {
            'type': 'ReIDMetric',
            'camera_aware': data.has_cameras,
        }
        cfg[f'{stage}_cfg'] = {}


def set_image_size(cfg: Config, size: Sequence[int]) -> None:
    """Set height and width of the images in all pipelines of a recipe.

    Local views keep their ratio to the global ones; backbones with position
    embeddings get the size, too.
    """
    size = check_image_size(size, '--image-size')
    backbone = MODELS.get(cfg.model.backbone.type)
    if 'img_size' in (arguments(backbone) or ()):
        cfg.model.backbone.img_size = size
    for name, loader in cfg.items():
        if not name.endswith('_dataloader'):
            continue
        for transform in flat_transforms(loader.dataset.pipeline):
            if 'global_size' in transform:
                transform.local_size = tuple(
                    max(round(local * new / old), 1)
                    for local, new, old in zip(
                        transform.local_size,
                        size,
                        transform.global_size,
                        strict=True,
                    )
                )
                transform.global_size = size
            elif 'size' in transform:
                transform['size'] = size
