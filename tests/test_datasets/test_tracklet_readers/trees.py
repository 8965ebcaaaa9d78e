"""Tiny datasets with the file names of the real ones."""

import pickle

import lmdb


def touch(root, *names, content=b'jpeg'):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def make_lmdb(folder, keys, values=None):
    folder.mkdir(parents=True)
    with (
        lmdb.open(str(folder), map_size=1 << 24) as environment,
        environment.begin(write=True) as transaction,
    ):
        for number, key in enumerate(keys):
            value = b'jpeg' if values is None else values[number]
            transaction.put(key.encode(), value)


def dump(path, value):
    path.write_bytes(pickle.dumps(value))


def rows_of(table):
    """Return the rows of a table as tuples that are easy to read."""
    return [
        (
            table.videos[table.video_id[row]],
            int(table.tracklet_id[row]),
            int(table.frame[row]),
            table.path[row].decode(),
        )
        for row in range(len(table))
    ]


def counts_of(report):
    return dict(report.counts)
