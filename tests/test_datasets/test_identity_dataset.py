import json

import numpy as np
import pytest
import torch
from mmengine.dataset import DefaultSampler
from torch.utils.data import DataLoader

from mmcion.datasets import IdentityDataset, IdentitySampler
from mmcion.structures import AnnotationTable
from mmcion.utils.checks import UserError
from tests.tiny import write_identities, write_image

from .test_image_reader import write_lmdb

PIPELINE = [
    {'type': 'mmcion.LoadImage'},
    {'type': 'mmcion.PackReIDInputs'},
]


@pytest.fixture
def folder(tmp_path):
    return write_identities(tmp_path, (2, 3))


def make_dataset(folder, pipeline=PIPELINE, ann_file='annotation'):
    return IdentityDataset(folder / ann_file, folder, pipeline)


def test_row_becomes_an_image_and_a_sample(folder):
    dataset = make_dataset(folder)
    item = dataset[3]
    sample = item['data_samples']
    assert len(dataset) == 5
    assert item['inputs'].shape == (3, 24, 12)
    assert (sample.pid, sample.cam_id) == (1, 1)
    assert sample.img_path == str(folder / '3.png')


def test_pipeline_gets_plain_numbers(folder):
    results = make_dataset(folder, [])[np.int64(2)]
    assert results == {
        'img_path': str(folder / '2.png'),
        'pid': 1,
        'cam_id': 1,
    }
    assert type(results['pid']) is int and type(results['cam_id']) is int


def test_pids_and_counts(folder):
    dataset = make_dataset(folder)
    assert dataset.pids.tolist() == [0, 0, 1, 1, 1]
    assert dataset.metainfo == {'num_images': 5, 'num_identities': 2}


def test_columns_are_mapped_and_not_copied(folder):
    pids = make_dataset(folder).pids
    assert isinstance(pids.base, np.memmap) or isinstance(pids, np.memmap)


def test_annotation_file_of_the_paper(folder):
    items = [
        {'file_path': f'{row}.png', 'id': identity, 'more': None}
        for row, identity in enumerate((17, 17, 5))
    ]
    (folder / 'cional_annos.json').write_text(json.dumps(items))
    dataset = make_dataset(folder, ann_file='cional_annos.json')
    assert dataset.pids.tolist() == [1, 1, 0]
    assert dataset[2]['data_samples'].img_path == str(folder / '2.png')


def test_paths_may_have_folders_and_any_letters(tmp_path):
    write_image(tmp_path / 'sec0' / 'straße 1.png')
    AnnotationTable(['sec0/straße 1.png'], np.array([0])).save(
        tmp_path / 'annotation'
    )
    assert make_dataset(tmp_path)[0]['inputs'].shape == (3, 24, 12)


def test_empty_annotation(tmp_path):
    (tmp_path / 'annos.json').write_text('[]')
    with pytest.raises(UserError, match=r'annos\.json'):
        make_dataset(tmp_path, ann_file='annos.json')


def test_wrong_data_root_is_noticed_at_once(folder, tmp_path):
    message = r'none of [0-9]+ sampled images .*data_root \(.*other\)'
    with pytest.raises(FileNotFoundError, match=message):
        IdentityDataset(folder / 'annotation', tmp_path / 'other', PIPELINE)


def test_images_of_an_lmdb_are_those_of_the_folder(folder, tmp_path):
    root = tmp_path / 'images.lmdb'
    names = [f'{row}.png' for row in range(5)]
    write_lmdb(root, {name: (folder / name).read_bytes() for name in names})
    found = IdentityDataset(folder / 'annotation', root, PIPELINE)
    files = make_dataset(folder)
    loader = DataLoader(found, None, num_workers=2)
    for row, item in enumerate(loader):
        assert torch.equal(item['inputs'], files[row]['inputs'])
        assert item['data_samples'].img_path == str(root / names[row])
        assert item['data_samples'].pid == files[row]['data_samples'].pid


def test_lmdb_of_other_images_is_noticed_at_once(folder, tmp_path):
    write_lmdb(tmp_path / 'other.lmdb', {'x': b'y'})
    with pytest.raises(FileNotFoundError, match=r'other\.lmdb'):
        IdentityDataset(
            folder / 'annotation', tmp_path / 'other.lmdb', PIPELINE
        )


def test_missing_annotation(tmp_path):
    with pytest.raises(FileNotFoundError, match='annotation'):
        make_dataset(tmp_path)


def test_root_of_the_annotation_is_the_default(folder):
    table = AnnotationTable.load(folder / 'annotation')
    table.image_root = folder
    table.save(folder / 'denoised' / 'annotation')
    dataset = IdentityDataset(folder / 'denoised' / 'annotation', None, [])
    assert dataset[3]['img_path'] == str(folder / '3.png')


def random_number(results):
    """A transform that returns a random number."""
    return float(torch.rand(()))


def numbers(folder, num_workers, persistent_workers=False):
    """Random numbers of the rows of two epochs, drawn twice each."""
    dataset = IdentityDataset(folder / 'annotation', folder, [random_number])
    sampler = DefaultSampler(dataset, seed=1)
    loader = DataLoader(
        dataset,
        batch_sampler=IdentitySampler(sampler, 4, 2),
        num_workers=num_workers,
        persistent_workers=persistent_workers,
    )
    epochs = []
    for epoch in (0, 1, 0):
        sampler.set_epoch(epoch)
        epochs.append(torch.cat(list(loader)).tolist())
    return epochs


def test_draws_seed_the_transforms_whatever_the_workers(folder):
    first, second, again = expected = numbers(folder, 0)
    assert first == again
    assert len({*first, *second}) == 2 * 8
    assert numbers(folder, 1) == numbers(folder, 2, True) == expected


def test_images_of_no_identity_are_left_out(folder):
    ids = [-1, -1, 5, 5, 7]
    entries = [
        {'file_path': f'{row}.png', 'id': pid} for row, pid in enumerate(ids)
    ]
    (folder / 'annos.json').write_text(json.dumps(entries))
    dataset = IdentityDataset(folder / 'annos.json', None, PIPELINE)
    assert dataset.pids.tolist() == [0, 0, 1]
    assert dataset.annotation.num_junk == 2
    (folder / 'annos.json').write_text(json.dumps(entries[:2]))
    with pytest.raises(UserError, match='2 images of negative ids'):
        IdentityDataset(folder / 'annos.json', None, PIPELINE)
