"""A tiny recording of five people in two clips."""

import runpy
import sys
from collections import OrderedDict

import cv2
import numpy as np
import pytest
from mmengine.logging import MessageHub, MMLogger
from mmengine.registry import DefaultScope
from mmengine.visualization import Visualizer

from mmcion.structures import FeatureStore, TrackletTable

from ..tool_utils import TOOLS

PEOPLE, CLIPS, FRAMES = 5, 2, 6


@pytest.fixture
def call_tool(tmp_path, monkeypatch):
    """Return a function that runs a tool in this process, in ``tmp_path``.

    It exits as the tool does; ``capsys`` has its output.
    """

    def call(name, *arguments):
        path = str(TOOLS / name)
        monkeypatch.setattr(sys, 'argv', [path, *map(str, arguments)])
        runpy.run_path(path, run_name='__main__')

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, 'path', [*sys.path])
    # a new process has none of mmengine's singletons, which go by second
    for kind in (DefaultScope, MessageHub, MMLogger, Visualizer):
        monkeypatch.setattr(kind, '_instance_dict', OrderedDict())
    return call


def state(folder):
    """Return name and time of change of every file."""
    return {
        str(path.relative_to(folder)): path.stat().st_mtime_ns
        for path in folder.rglob('*')
        if path.is_file()
    }


@pytest.fixture(scope='package')
def recording(tmp_path_factory):
    """Folder with ``table`` and ``crops``; everybody is always in sight."""
    folder = tmp_path_factory.mktemp('recording')
    rng = np.random.default_rng(0)
    clothes = rng.integers(0, 256, (PEOPLE, 2, 3))
    clip, person, step = np.indices((CLIPS, PEOPLE, FRAMES)).reshape(3, -1)
    frame = clip * FRAMES + step
    names = []
    for pid, number in zip(person, frame, strict=True):
        image = np.repeat(clothes[pid], 16, axis=0)[:, None].repeat(16, 1)
        image = np.clip(image + rng.normal(0, 9, image.shape), 0, 255)
        names.append(f'{number}_{pid}.png')
        (folder / 'crops').mkdir(exist_ok=True)
        cv2.imwrite(str(folder / 'crops' / names[-1]), image.astype(np.uint8))
    box = np.stack((30.0 * person, 0 * person, 0 * person, 0 * person), 1)
    TrackletTable.from_columns(
        video_id=clip,
        tracklet_id=person,
        frame=frame,
        path=names,
        box=box + [0, 5, 16, 32],
        videos=['street_0', 'street_1'],
        sources=['street', 'street'],
        image_root=folder / 'crops',
    ).save(folder / 'table')
    return folder


@pytest.fixture(scope='package')
def features(recording):
    """Folder with features of the recording that tell people apart."""
    table = TrackletTable.load(recording / 'table')
    feats = np.random.default_rng(0).normal(0, 0.1, (len(table), 16))
    feats[np.arange(len(table)), table.tracklet_id] += 1
    folder, meta = recording / 'features', {'extractor': 'made up'}
    FeatureStore.create(folder, feats.shape)[:] = feats
    FeatureStore.finish(folder, meta)
    return folder
