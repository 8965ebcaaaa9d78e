"""Drawn people, as two cameras see them, to train on and to test on."""

import csv

import cv2
import numpy as np

from mmcion.structures import AnnotationTable
from mmcion.testing import draw_figure, draw_looks, photograph

SIZE = (128, 64)
# what a camera does to blue, green and red
CAMERAS = np.array([[1.25, 1.0, 0.75], [0.55, 0.7, 0.9]])


def draw_identities(folder, looks, per_identity, rng):
    """Write images; return their names, identities and cameras."""
    folder.mkdir()
    rows = []
    for pid, look in enumerate(looks):
        for number in range(per_identity):
            cam_id = number % len(CAMERAS)
            name = f'{pid}_{number}.png'
            patches = rng.integers(0, 256, (8, 4, 3), np.uint8)
            figure = draw_figure(look, rng.uniform(0, 2 * np.pi))
            image = photograph(figure, patches, CAMERAS[cam_id], SIZE, rng)
            cv2.imwrite(str(folder / name), image)
            rows.append((name, pid, cam_id))
    return rows


def write_drawn(folder, num_train=40, num_test=20, per_identity=16):
    """Write folders ``train`` and ``test`` of different identities.

    ``train/annotation`` holds the labels of the former, ``test/test.csv``
    query and gallery of the latter, which are in two cameras.
    """
    rng = np.random.default_rng(0)
    looks = draw_looks(num_train + num_test, rng)
    rng.shuffle(looks)
    train, test = looks[:num_train], looks[num_train:]
    rows = draw_identities(folder / 'train', train, per_identity, rng)
    columns = zip(*rows, strict=True)
    table = AnnotationTable(*columns, image_root=folder / 'train')
    table.save(folder / 'train' / 'annotation')
    rows = draw_identities(folder / 'test', test, 4, rng)
    with open(folder / 'test' / 'test.csv', 'w', newline='') as stream:
        writer = csv.writer(stream)
        writer.writerow(('path', 'pid', 'cam_id', 'split'))
        for name, pid, cam_id in rows:
            writer.writerow((name, pid, cam_id, ('query', 'gallery')[cam_id]))
    return folder
