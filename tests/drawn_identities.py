"""Drawn people, as two cameras see them, to train on and to test on."""

import csv

import cv2
import numpy as np

from mmcion.structures import AnnotationTable
from mmcion.testing import draw_looks
from mmcion.testing.cross_modal_images import photograph

# what a camera does to blue, green and red
CAMERAS = np.array([[1.25, 1.0, 0.75], [0.55, 0.7, 0.9]])


def draw_identities(folder, looks, per_identity, rng, static=False):
    """Write images; return their names, identities and cameras."""
    folder.mkdir()
    rows = []
    for pid, look in enumerate(looks):
        for number in range(per_identity):
            cam_id = number % len(CAMERAS)
            name = f'{pid}_{number}.png'
            # a static camera has one background, and half of the change
            # of colours
            scene = np.random.default_rng(cam_id) if static else rng
            gains = CAMERAS[cam_id] ** (0.5 if static else 1)
            image = photograph(look, gains, rng, scene=scene)
            cv2.imwrite(str(folder / name), image)
            rows.append((name, pid, cam_id))
    return rows


def write_drawn(
    folder, num_train=40, num_test=20, per_identity=16, static=False
):
    """Write folders ``train`` and ``test`` of different identities.

    ``train/annotation`` holds the labels of the former, ``test/test.csv``
    query and gallery of the latter, which are in two cameras.
    """
    rng = np.random.default_rng(0)
    looks = draw_looks(num_train + num_test, rng)
    rng.shuffle(looks)
    train, test = looks[:num_train], looks[num_train:]
    options = rng, static
    rows = draw_identities(folder / 'train', train, per_identity, *options)
    columns = zip(*rows, strict=True)
    table = AnnotationTable(*columns, image_root=folder / 'train')
    table.save(folder / 'train' / 'annotation')
    rows = draw_identities(folder / 'test', test, 4, *options)
    with open(folder / 'test' / 'test.csv', 'w', newline='') as stream:
        writer = csv.writer(stream)
        writer.writerow(('path', 'pid', 'cam_id', 'split'))
        for name, pid, cam_id in rows:
            writer.writerow((name, pid, cam_id, ('query', 'gallery')[cam_id]))
    return folder
