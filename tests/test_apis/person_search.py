"""A recording of three people with identities, on disk."""

import cv2
import numpy as np

from mmcion.apis.extract import extract_features
from mmcion.models.weights.network_config import resize_pipeline
from mmcion.registry import MODELS
from mmcion.structures import FeatureStore, IdentityLabels, TrackletTable
from mmcion.utils.io import write_json

NETWORK = {
    'type': 'ReIDModel',
    'data_preprocessor': {
        'type': 'ReIDDataPreprocessor',
        'mean': None,
        'std': None,
    },
    'backbone': {'type': 'ColorStripeDescriptor'},
}
CLOTHES = np.array([[200, 30, 30], [30, 200, 30], [30, 30, 200]])


def draw(path, person, seed):
    """Write the crop of a person."""
    noise = np.random.default_rng(seed).normal(0, 8, (64, 32, 3))
    image = np.clip(CLOTHES[person] + noise, 0, 255).astype(np.uint8)
    cv2.imwrite(str(path), image)


def write_recording(folder, *, center=False, fps=10):
    """Write table, features and identities; everybody is in both videos."""
    crops = folder / 'tracklets' / 'crops'
    crops.mkdir(parents=True)
    video, person, step = np.indices((2, 3, 4)).reshape(3, -1)
    for row in range(len(video)):
        draw(crops / f'{row}.png', person[row], row)
    table = TrackletTable.from_columns(
        video_id=video,
        tracklet_id=person,
        frame=40 * video + 10 * step,
        path=[f'{row}.png' for row in range(len(video))],
        videos=['day-clip0', 'day-clip1'],
        sources=['day', 'day'],
        fps=[fps, fps],
        image_root=crops,
    )
    table.save(folder / 'tracklets' / 'table')
    store = extract_features(
        MODELS.build(NETWORK),
        table,
        resize_pipeline((128, 64)),
        folder / 'features',
        meta={'extractor': NETWORK, 'checkpoint': None},
        num_workers=0,
    )
    write_identities(folder, store.centered() if center else store, 2 - person)
    return folder


def write_identities(folder, store, identity):
    """Write what ``tools/denoise.py`` does, as far as a search needs it."""
    out = folder / 'identities'
    IdentityLabels(identity.astype(np.int32)).save(out / 'identity.npy')
    inputs = {
        'features': store.fingerprint(),
        'table_folder': '../tracklets/table',
        'features_folder': '../features',
    }
    stages = [{'type': 'A', 'sigma': 0.1}, {'type': 'B', 'sigma': 0.3}]
    write_json(out / 'report.json', {'inputs': inputs, 'stages': stages})


def open_store(folder):
    return FeatureStore.open(folder / 'features')
