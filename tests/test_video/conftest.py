"""Small videos and box files, written by the tests themselves."""

import os

import cv2
import numpy as np
import pytest

WIDTH, HEIGHT = 96, 64


def write_video(path, *, frames=30, fps=10, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    back = rng.integers(0, 60, (HEIGHT, WIDTH, 3), np.uint8)
    writer = cv2.VideoWriter(
        str(path), cv2.VideoWriter.fourcc(*'MJPG'), fps, (WIDTH, HEIGHT)
    )
    for index in range(frames):
        image = back.copy()
        image[10:50, 2 + index : 14 + index] = (0, 0, 255)
        image[5:45, 80 - index : 92 - index] = (0, 255, 0)
        writer.write(image)
    writer.release()
    return path


def write_boxes(path, *, frames=30):
    """Two people, 1 (red) and 2 (green), frames from 1."""
    lines = ['frame,x,y,w,h,score,id']
    for index in range(frames):
        lines.append(f'{index + 1},{2 + index},10,12,40,0.9,1')
        lines.append(f'{index + 1},{80 - index},5,12,40,0.8,2')
    path.write_text('\n'.join(lines) + '\n')
    return path


def files(folder):
    """Content of crops and table; reports hold times, records settings."""
    return {
        str(p.relative_to(folder)): p.read_bytes()
        for part in ('crops', 'table')
        for p in sorted((folder / part).rglob('*'))
        if p.is_file()
    }


@pytest.fixture
def three_videos(tmp_path):
    """Videos of which two have the same name in different folders.

    They are extracted in this order, as the first is the largest.
    """
    folder = tmp_path / 'videos'
    for seed, name in enumerate(('a', 'b', 'sub/a')):
        video = write_video(folder / f'{name}.avi', seed=seed)
        os.truncate(video, 100_000 - seed)
        write_boxes(folder / f'{name}.csv')
    return folder


@pytest.fixture
def walk(tmp_path):
    """A video of two people with its box file beside it."""
    folder = tmp_path / 'videos'
    video = write_video(folder / 'walk.avi')
    write_boxes(folder / 'walk.csv')
    return video
