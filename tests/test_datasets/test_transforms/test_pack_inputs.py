import torch
from mmengine.dataset import default_collate, pseudo_collate

from mmcion.datasets.transforms import PackReIDInputs


def pack(**results):
    return PackReIDInputs()(results)


def test_image_and_what_is_known_of_it():
    image = torch.zeros(3, 4, 2)
    packed = pack(
        img=image, pid=3, cam_id=1, img_path='a.png', is_query=True, other=0
    )
    sample = packed['data_samples']
    assert packed['inputs'] is image
    assert set(packed) == {'inputs', 'data_samples'}
    assert sample.metainfo == {
        'pid': 3,
        'cam_id': 1,
        'img_path': 'a.png',
        'is_query': True,
    }


def test_unknown_fields_are_left_out():
    sample = pack(img=torch.zeros(3, 4, 2), img_path='a.png')['data_samples']
    assert sample.metainfo_keys() == ['img_path']


def test_views_are_collated_view_by_view():
    items = [
        pack(
            views=[
                torch.full((3, 4, 2), 10 * v + pid, dtype=torch.uint8)
                for v in range(3)
            ],
            pid=pid,
        )
        for pid in (5, 7)
    ]
    batch = default_collate(items)
    first_pixels = [view[:, 0, 0, 0].tolist() for view in batch['inputs']]
    assert first_pixels == [[5, 7], [15, 17], [25, 27]]
    assert [sample.pid for sample in batch['data_samples']] == [5, 7]


def test_images_are_collated_to_a_list():
    items = [pack(img=torch.zeros(3, 4, 2), pid=pid) for pid in (5, 7)]
    batch = pseudo_collate(items)
    assert [image.shape for image in batch['inputs']] == [(3, 4, 2)] * 2
    assert [sample.pid for sample in batch['data_samples']] == [5, 7]
