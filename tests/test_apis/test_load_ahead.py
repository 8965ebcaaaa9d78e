import threading

import pytest
import torch

from mmcion.apis.load_ahead import in_batches, load_ahead


class Rows:
    """Items that are their row, negative; notes what was loaded, and where."""

    def __init__(self, broken=None):
        self.broken, self.loaded, self.threads = broken, [], set()

    def __getitem__(self, row):
        if row == self.broken:
            raise KeyError(row)
        self.loaded.append(row)
        self.threads.add(threading.current_thread())
        return -row


def batches(dataset, rows, device='cpu', num_workers=0, collate=list):
    return load_ahead(
        dataset,
        in_batches(rows, 3),
        device=torch.device(device),
        num_workers=num_workers,
        collate=collate,
    )


# no tensor is moved, so `meta` stands for an accelerator
@pytest.mark.parametrize(
    ('device', 'num_workers'), [('cpu', 0), ('meta', 0), ('meta', 2)]
)
@pytest.mark.parametrize('rows', [range(7), [4, 2, 9], [5], []])
def test_all_rows_in_order(device, num_workers, rows):
    found = list(batches(Rows(), rows, device, num_workers))
    assert [len(batch) for batch in found[:-1]] == [3] * (len(found) - 1)
    assert [x for batch in found for x in batch] == [-x for x in rows]


def test_next_batch_is_loaded_ahead_and_no_more():
    dataset = Rows()
    loader = batches(dataset, range(12), collate=tuple)
    assert next(loader) == (0, -1, -2)
    # closing waits for the thread
    loader.close()
    assert dataset.loaded == [0, 1, 2, 3, 4, 5]


def test_single_batch_needs_no_thread():
    dataset = Rows()
    list(batches(dataset, range(3)))
    assert dataset.threads == {threading.current_thread()}


@pytest.mark.parametrize('broken', [1, 4])
def test_errors_arrive_as_they_are(broken):
    with pytest.raises(KeyError, match=str(broken)):
        list(batches(Rows(broken), range(6)))
