import random
from collections import Counter

from mmcion.datasets.reid.query_draw import draw_queries
from mmcion.datasets.reid.reid_image import NO_CAMERA, ReIDImage


def images_of(*ids):
    return [ReIDImage(f'{n}.jpg', *each) for n, each in enumerate(ids)]


def test_a_query_for_each_identity_and_camera():
    images = images_of(*((p, c) for p in range(3) for c in (0, 0, 1, 1, 2, 2)))
    queries, gallery = draw_queries(images, seed=0)
    ids = [(image.pid, image.cam_id) for image in queries]
    assert ids == [(p, c) for p in range(3) for c in range(3)]
    assert sorted(queries + gallery) == sorted(images)


def test_every_query_keeps_a_match():
    rng = random.Random(0)
    ids = [(rng.randrange(40), rng.randrange(3)) for _ in range(120)]
    images = images_of(*ids, (-1, 0), (-1, 1))
    for seed in range(5):
        queries, gallery = draw_queries(images, seed)
        asked = Counter((image.pid, image.cam_id) for image in queries)
        assert max(asked.values()) == 1 and -1 not in {p for p, _ in asked}
        for pid, cam_id in asked:
            assert any(i.pid == pid and i.cam_id != cam_id for i in gallery)
        # who has images of two cameras is asked for
        seen = {pid: {c for p, c in ids if p == pid} for pid, _ in ids}
        several = {pid for pid, cams in seen.items() if len(cams) > 1}
        assert {pid for pid, _ in asked} == several


def test_one_query_per_identity_without_cameras():
    images = images_of((0, NO_CAMERA), (0, NO_CAMERA), (1, NO_CAMERA))
    queries, gallery = draw_queries(images, seed=0)
    assert [image.pid for image in queries] == [0]
    assert sorted(image.pid for image in gallery) == [0, 1]


def test_seed_alone_decides():
    images = images_of(*((p, c) for p in range(9) for c in (0, 0, 0, 1)))
    queries, _ = draw_queries(images, seed=0)
    assert draw_queries(images, seed=0)[0] == queries
    assert draw_queries(images, seed=1)[0] != queries
    again, _ = draw_queries(images[::-1], seed=0)
    assert sorted(again) == sorted(queries)
    alone, _ = draw_queries(images[:4], seed=0)
    assert alone == [image for image in queries if image.pid == 0]
