"""Background and occluders of the synthetic video."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

Color = tuple[float, float, float]  # blue, green, red in 0..255
Corners = list[tuple[int, int]]  # in an image of 640 x 360

_WALLS = [(150, 172, 190), (128, 140, 158), (168, 176, 178), (120, 134, 170)]
_AWNINGS = [(70, 74, 150), (120, 96, 60), (84, 120, 84), (70, 130, 170)]


@dataclass
class Sprite:
    """An object or a figure at its place in the street."""

    foot: float  # y of the ground below it
    left: int  # place of its image
    top: int
    image: np.ndarray  # (H, W, 4) uint8 blue, green, red, alpha


def draw_street(size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Draw the background ``(H, W, 3)`` uint8: houses, pavement, road."""
    width, height = size
    x, y = width / 640, height / 360
    street = np.zeros((height, width, 3), np.float32)

    def box(x0: float, y0: float, x1: float, y1: float, color: Color) -> None:
        area = np.rint([x0 * x, y0 * y, x1 * x, y1 * y]).astype(int)
        street[area[1] : area[3], area[0] : area[2]] = color

    # four houses with windows, shop fronts and doors
    for i, wall in enumerate(_WALLS):
        box(i * 160, 0, i * 160 + 160, 150, wall)
        box(i * 160 + 156, 0, i * 160 + 160, 150, (96, 102, 110))
        for column in range(3):
            left = i * 160 + 14 + column * 48
            box(left - 2, 16, left + 34, 68, (206, 208, 208))
            box(left, 18, left + 32, 66, (118, 104, 88))
            box(left, 18, left + 32, 34, (150, 138, 122))
            box(left + 15, 18, left + 17, 66, (206, 208, 208))
        box(i * 160 + 14, 88, i * 160 + 100, 138, (92, 82, 70))
        box(i * 160 + 14, 80, i * 160 + 100, 90, _AWNINGS[i])
        box(i * 160 + 114, 86, i * 160 + 144, 150, (58, 66, 84))
    # pavement: slabs that grow towards the viewer
    box(0, 146, 640, 152, (88, 94, 98))
    box(0, 152, 640, 268, (166, 168, 170))
    for row, line in enumerate((160, 172, 188, 208, 236)):
        box(0, line, 640, line + 1, (146, 148, 150))
        for joint in range(-(row % 2) * 20, 640, 46 + row * 12):
            box(max(joint, 0), line, joint + 1, line + 14, (148, 150, 152))
    # kerb, road and its broken line
    box(0, 268, 640, 276, (188, 190, 190))
    box(0, 276, 640, 280, (104, 104, 104))
    box(0, 280, 640, 360, (98, 96, 94))
    for mark in range(20, 640, 130):
        box(mark, 330, mark + 70, 335, (196, 200, 200))
    # real surfaces have an uneven tone, at a coarse and at a fine scale
    coarse = rng.normal(0, 5, (height // 6 + 1, width // 6 + 1, 1))
    grain = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    fine = rng.normal(0, 3, (height, width))
    toned = np.clip(street + (grain + fine)[..., None], 0, 255)
    return cv2.GaussianBlur(toned.astype(np.uint8), (3, 3), 0)


def draw_occluders(size: tuple[int, int]) -> list[Sprite]:
    """Draw a street lamp, a tree and a box hedge for an image size."""
    lamp = [
        *_post(206, 20, 262, 4, (64, 70, 62)),
        (_rectangle(196, 14, 246, 22), (64, 70, 62)),
        ([(226, 22), (246, 22), (243, 27), (229, 27)], (190, 236, 246)),
    ]
    crown = [(400, 72), (418, 30), (452, 8), (490, 28), (508, 74), (480, 98)]
    tree = [
        *_post(452, 60, 258, 8, (48, 66, 86)),
        ([*crown, (424, 98)], (62, 104, 74)),
        ([(414, 66), (432, 32), (458, 20), (472, 50), (448, 78)],
         (80, 128, 92)),
    ]  # fmt: skip
    hedge = [
        (_rectangle(318, 232, 366, 300), (70, 96, 58)),
        (_rectangle(318, 232, 366, 240), (96, 126, 84)),
        (_rectangle(356, 240, 366, 300), (50, 72, 42)),
    ]
    width, height = size
    occluders = []
    for foot, shapes in ((262, lamp), (258, tree), (300, hedge)):
        image = np.zeros((height, width, 4), np.uint8)
        for corners, color in shapes:
            points = np.array(corners) * [width / 640, height / 360]
            points = np.rint(points).astype(np.int32)
            cv2.fillPoly(image, [points], (*color, 255), cv2.LINE_AA)
        left, top, w, h = cv2.boundingRect(image[..., 3])
        part = image[top : top + h, left : left + w].copy()
        occluders.append(Sprite(foot * height / 360, left, top, part))
    return occluders


def _post(
    x: int, top: int, foot: int, half: int, color: Color
) -> list[tuple[Corners, Color]]:
    """Return an upright bar and its shaded right quarter."""
    b, g, r = color
    shade = (0.6 * b, 0.6 * g, 0.6 * r)
    bar = _rectangle(x - half, top, x + half, foot)
    return [
        (bar, color),
        (_rectangle(x + half // 2, top, x + half, foot), shade),
    ]


def _rectangle(x0: int, y0: int, x1: int, y1: int) -> Corners:
    return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
