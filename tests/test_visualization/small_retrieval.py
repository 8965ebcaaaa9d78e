"""A ranking result small enough to check by hand."""

import numpy as np
from PIL import Image

from mmcion.structures import ReIDFeatures, RetrievalResult


def make_features(folder, identities=4, cameras=2, each=3, noise=0.3, seed=0):
    """Draw images in a grey per identity; the first of a camera is a query."""
    rng = np.random.default_rng(seed)
    pid, cam, shot = np.indices((identities, cameras, each)).reshape(3, -1)
    centres = rng.normal(size=(identities, 8))
    paths = []
    for person, camera, number in zip(pid, cam, shot, strict=True):
        paths.append(str(folder / f'{person}_c{camera}_{number}.png'))
        image = np.full((32, 16, 3), 60 + 30 * person, np.uint8)
        Image.fromarray(image).save(paths[-1])
    feature = centres[pid] + noise * rng.normal(size=(len(pid), 8))
    return ReIDFeatures(feature, pid + 1, cam + 1, shot == 0, paths)


def rank(features, places=5, **options):
    """Rank by cosine distance, other cameras only; junk is ignored."""
    unit = features.feature / np.linalg.norm(
        features.feature, axis=1, keepdims=True
    )
    pid, cam = features.pid, features.cam_id
    asks = np.flatnonzero(features.is_query & (pid >= 0))
    gallery = np.flatnonzero(~features.is_query & (pid >= 0))
    nearest = np.full((len(asks), places), -1)
    distances = np.full((len(asks), places), np.nan)
    ap, matches, first = [], [], []
    for i, row in enumerate(asks):
        own = (pid[gallery] == pid[row]) & (cam[gallery] == cam[row])
        counted = gallery[~own]
        distance = 1 - unit[counted] @ unit[row]
        order = np.argsort(distance)
        found = counted[order][:places]
        nearest[i, : len(found)] = found
        distances[i, : len(found)] = np.sort(distance)[:places]
        ranks = np.flatnonzero(pid[counted[order]] == pid[row]) + 1
        matches.append(len(ranks))
        ap.append(
            (np.arange(1, len(ranks) + 1) / ranks).mean() if matches[-1] else 0
        )
        first.append(ranks[0] if len(ranks) else 10**6)
    valid = np.array(matches) > 0
    cmc = (np.array(first)[valid, None] <= np.arange(1, 21)).mean(axis=0)
    scores = {
        'reid/mAP': float(np.array(ap)[valid].mean()),
        'reid/Rank-1': float(cmc[0]),
        'reid/num_queries': float(len(asks)),
    }
    return RetrievalResult(
        features,
        scores,
        asks,
        np.array(ap, float),
        np.array(matches),
        nearest,
        distances,
        cmc,
        **options,
    )
