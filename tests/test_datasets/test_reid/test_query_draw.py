import random
from collections import Counter

from mmcion.datasets.reid.query_draw import draw_queries
from mmcion.datasets.reid.reid_image import NO_CAMERA, ReIDImage


def images_of(*ids):
    return [ReIDImage(f'{n}.jpg', *each) for n, each in enumerate(ids)]


def test_a_query_for_each_identity_and_camera():
    images = images_of(*((p, c) for p in range(3) for c in (0, 0, 1, 1, 2, 2)))
    queries, gallery = draw_queries(images, seed=0).values()
    ids = [(image.pid, image.cam_id) for image in queries]
    assert ids == [(p, c) for p in range(3) for c in range(3)]
    assert sorted(queries + gallery) == sorted(images)


def test_every_query_keeps_a_match():
    rng = random.Random(0)
    ids = [(rng.randrange(40), rng.randrange(3)) for _ in range(120)]
    images = images_of(*ids, (-1, 0), (-1, 1))
    for seed in range(5):
        queries, gallery = draw_queries(images, seed).values()
        in_query = Counter((image.pid, image.cam_id) for image in queries)
        assert max(in_query.values()) == 1 and -1 not in {
            p for p, _ in in_query
        }
        for pid, cam_id in in_query:
            assert any(i.pid == pid and i.cam_id != cam_id for i in gallery)
        # identities with images of two cameras have a query
        seen = {pid: {c for p, c in ids if p == pid} for pid, _ in ids}
        several = {pid for pid, cams in seen.items() if len(cams) > 1}
        assert {pid for pid, _ in in_query} == several


def test_one_query_per_identity_without_cameras():
    images = images_of((0, NO_CAMERA), (0, NO_CAMERA), (1, NO_CAMERA))
    queries, gallery = draw_queries(images, seed=0).values()
    assert [image.pid for image in queries] == [0]
    assert sorted(image.pid for image in gallery) == [0, 1]


def test_seed_alone_decides():
    images = images_of(*((p, c) for p in range(9) for c in (0, 0, 0, 1)))
    queries = draw_queries(images, seed=0)['query']
    assert draw_queries(images, seed=0)['query'] == queries
    assert draw_queries(images, seed=1)['query'] != queries
    again = draw_queries(images[::-1], seed=0)['query']
    assert sorted(again) == sorted(queries)
    alone = draw_queries(images[:4], seed=0)['query']
    assert alone == [image for image in queries if image.pid == 0]
