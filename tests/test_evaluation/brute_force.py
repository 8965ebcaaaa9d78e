"""Scores by their definitions, one query and one image at a time."""

import numpy as np

KEYS = ('mAP', 'mINP', 'Rank-1', 'Rank-5', 'Rank-10')


def distances_between(qf, gf, distance='cosine'):
    if distance == 'cosine':
        unit = [f / np.linalg.norm(f, axis=1)[:, None] for f in (qf, gf)]
        return 1 - unit[0] @ unit[1].T
    return np.linalg.norm(qf[:, None] - gf, axis=2)


def brute_force(distances, q_pids, g_pids, q_cams=None, g_cams=None):
    """Sort every row; a wrong image comes first among equal distances."""
    rows, num_tied = [], 0
    for q, pid in enumerate(q_pids):
        counts = [
            g
            for g in range(len(g_pids))
            if g_pids[g] != -1
            and not (
                q_cams is not None
                and g_pids[g] == pid
                and g_cams[g] == q_cams[q]
            )
        ]
        counts.sort(key=lambda g: (distances[q, g], g_pids[g] == pid))
        is_match = [g_pids[g] == pid for g in counts]
        if pid == -1 or not any(is_match):
            continue
        ranks = [i + 1 for i, match in enumerate(is_match) if match]
        ap = np.mean([(i + 1) / rank for i, rank in enumerate(ranks)])
        hits = [ranks[0] <= k for k in (1, 5, 10)]
        rows.append([ap, len(ranks) / ranks[-1], *hits])
        own = {distances[q, g] for g in counts if g_pids[g] == pid}
        wrong = {distances[q, g] for g in counts if g_pids[g] != pid}
        num_tied += bool(own & wrong)
    return {
        **dict(zip(KEYS, np.mean(rows, axis=0), strict=True)),
        'num_valid_queries': len(rows),
        'num_queries': int(np.sum(np.asarray(q_pids) != -1)),
        'num_tied_queries': num_tied,
    }
