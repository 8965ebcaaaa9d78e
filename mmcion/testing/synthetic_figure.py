"""Walking figures, each drawn from its clothes.

Lengths are in units of the figure's height: crown at y = 0, feet at y = 1,
facing right. A figure consists of convex parts that darken towards their rim.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

Color = tuple[float, float, float]  # blue, green, red in 0..255

_SPRITE = 320  # height in pixels at which a figure is drawn

TOPS: list[Color] = [
    (52, 52, 190), (150, 84, 38), (70, 120, 62), (60, 190, 225),
    (215, 215, 212), (48, 44, 42), (150, 70, 120), (60, 120, 215),
    (175, 160, 90), (120, 118, 116),
]  # fmt: skip
_BOTTOMS: list[Color] = [
    (95, 62, 40), (44, 42, 42), (120, 150, 170), (105, 105, 105),
    (60, 74, 96),
]  # fmt: skip
_HAIR: list[Color] = [
    (28, 26, 30), (38, 58, 88), (92, 150, 190), (120, 122, 126),
]  # fmt: skip
_SKIN: list[Color] = [(150, 178, 222), (110, 146, 198), (62, 92, 142)]
_BAGS = ('none', 'backpack', 'shoulder', 'none')
_CUTS = ('trousers', 'coat', 'trousers', 'shorts', 'skirt')


@dataclass
class Look:
    """Clothes and build of one identity."""

    top: Color
    bottom: Color
    hair: Color
    skin: Color
    bag: str
    bag_color: Color
    cut: str
    hat: bool
    long_hair: bool
    stripes: bool
    build: float  # width of the body, about 1


def draw_looks(num_identities: int, rng: np.random.Generator) -> list[Look]:
    """Draw the clothes of each identity, every third like the one before."""
    tops, bottoms = rng.permutation(TOPS), rng.permutation(_BOTTOMS)
    looks: list[Look] = []
    for i in range(num_identities):
        # nearly the same top: identities that are hard to tell apart
        like = i - 1 if i % 3 == 2 else i
        looks.append(
            Look(
                top=_jitter(tops[like % len(tops)], rng),
                bottom=_jitter(bottoms[i % len(bottoms)], rng),
                hair=_HAIR[rng.integers(len(_HAIR))],
                skin=_SKIN[rng.integers(len(_SKIN))],
                bag=_BAGS[i % len(_BAGS)],
                bag_color=_jitter(tops[(i + 4) % len(tops)], rng),
                cut=_CUTS[i % len(_CUTS)],
                hat=i % 5 == 3,
                long_hair=bool(rng.random() < 0.4),
                stripes=i % 4 == 3,
                build=float(rng.uniform(0.9, 1.15)),
            )
        )
    return looks


def _jitter(color: Sequence[float], rng: np.random.Generator) -> Color:
    b, g, r = np.clip(np.asarray(color) + rng.uniform(-10, 10, 3), 12, 240)
    return float(b), float(g), float(r)


def draw_figure(look: Look, phase: float) -> np.ndarray:
    """Draw a figure in one pose of a stride, facing right.

    Args:
        look: Clothes and build.
        phase: Phase of the stride in radians.

    Returns:
        ``(H, W, 4)`` uint8 blue, green, red, alpha; the figure fills H.
    """
    figure = _Figure(look, phase)
    # from far to near: the far arm and leg are in the body's shadow
    figure.arm(phase + np.pi, 0.72)
    figure.leg(phase + np.pi, 0.74)
    figure.leg(phase, 1.0)
    figure.backpack()
    figure.trunk()
    figure.head()
    figure.shoulder_bag()
    figure.arm(phase, 1.0)
    return figure.finish()


class _Figure:
    """Paints the parts of a figure over each other."""

    def __init__(self, look: Look, phase: float) -> None:
        shape = (_SPRITE, _SPRITE * 3 // 4)
        self.color = np.zeros((*shape, 3), np.float32)
        self.alpha = np.zeros(shape, np.uint8)
        self.look = look
        ankles = [_leg_joints(phase + shift)[2][1] for shift in (0, np.pi)]
        self.drop = 0.952 - max(ankles)  # the lower foot is on the ground

    def part(
        self, points: Any, color: Color, *, light: float = 1.0, bands: int = 0
    ) -> None:
        """Fill the convex hull of points, darker towards its rim."""
        # to pixels: x = 0 is the middle, two pixels are left above the crown
        xy = (np.asarray(points, float) + (0, self.drop)) * _SPRITE * 0.98
        xy[:, 0] += self.alpha.shape[1] / 2
        xy = np.rint(xy + np.array((0, 2))).astype(np.int32)
        # the pixels around it; their rim is outside, as all that is left out
        left, top, w, h = cv2.boundingRect(xy)
        xy -= (origin := np.maximum((left - 1, top - 1), 0))
        rows = slice(origin[1], top + h + 1)
        place = rows, slice(origin[0], left + w + 1)
        mask = np.zeros_like(self.alpha[place])
        cv2.fillConvexPoly(mask, cv2.convexHull(xy), 1)
        depth = cv2.distanceTransform(mask, cv2.DIST_L2, 3)
        round_off = 0.62 + 0.43 * np.sqrt(depth / max(depth.max(), 1))
        paint = round_off[..., None] * np.array(color) * light
        if bands:
            height = len(self.alpha)
            dark = np.arange(height)[rows] * bands // height % 2
            paint = np.where(dark[:, None, None] == 1, paint * 0.45, paint)
        inside = mask.astype(bool)
        self.color[place][inside] = paint[inside]
        self.alpha[place][inside] = 255

    def limb(
        self, joints: Any, widths: Any, color: Color, light: float
    ) -> None:
        ends = zip(joints, widths, strict=True)
        discs = [_disc(p[0], p[1], w, w) for p, w in ends]
        self.part(np.concatenate(discs), color, light=light)

    def leg(self, phase: float, light: float) -> None:
        hip, knee, ankle = _leg_joints(phase)
        look, w = self.look, self.look.build
        bare = look.cut in ('shorts', 'skirt')
        shin = look.skin if bare else look.bottom
        thigh = look.skin if look.cut == 'skirt' else look.bottom
        heel = ankle + np.array((0, 0.018))
        toe = ankle + np.array((0.075, 0.03 - 0.02 * np.sin(phase)))
        self.limb((ankle, knee), (0.026 * w, 0.038 * w), shin, light)
        self.limb((hip, knee), (0.066 * w, 0.044 * w), thigh, light)
        self.limb((heel, toe), (0.026, 0.017), (38, 36, 40), light)

    def arm(self, phase: float, light: float) -> None:
        shoulder = np.array([-0.005, 0.205])
        swing = -0.5 * np.sin(phase)  # against the leg of the same side
        elbow = _along(shoulder, swing, 0.155)
        hand = _along(elbow, swing + 0.35, 0.14)
        fingers = _along(hand, swing, 0.02)
        look, w = self.look, self.look.build
        self.limb((hand, fingers), (0.02, 0.018), look.skin, light)
        self.limb((elbow, hand), (0.029 * w, 0.021 * w), look.top, light)
        self.limb((shoulder, elbow), (0.04 * w, 0.03 * w), look.top, light)

    def trunk(self) -> None:
        look, w = self.look, self.look.build
        hem = 0.66 if look.cut in ('coat', 'skirt') else 0.52
        flare = 0.105 if hem > 0.6 else 0.072
        shoulders = _disc(0, 0.215, 0.078 * w, 0.06)
        waist = _disc(0.004, 0.42, 0.068 * w, 0.03)
        hips = _disc(0, hem - 0.03, flare * w, 0.03)
        if look.cut == 'skirt':
            self.part(np.concatenate([waist, hips]), look.bottom)
            hips = _disc(0, 0.47, 0.07 * w, 0.03)
        shirt = np.concatenate([shoulders, waist, hips])
        self.part(shirt, look.top, bands=26 if look.stripes else 0)

    def head(self) -> None:
        look = self.look
        neck = ((0.0, 0.19), (0.012, 0.12))
        self.limb(neck, (0.03, 0.026), look.skin, 0.85)
        if look.long_hair:
            top = _disc(-0.02, 0.08, 0.048, 0.06)
            tips = _disc(-0.036, 0.19, 0.03, 0.03)
            self.part(np.concatenate([top, tips]), look.hair, light=0.9)
        self.part(_disc(0.0, 0.068, 0.054, 0.064), look.hair)
        self.part(_disc(0.018, 0.084, 0.042, 0.054), look.skin)  # face
        self.part(_disc(0.06, 0.088, 0.01, 0.012), look.skin)  # nose
        self.part(_disc(0.042, 0.076, 0.006, 0.006), (30, 30, 34))  # eye
        crown = _disc(-0.002, 0.045, 0.055, 0.042)
        self.part(crown, look.bag_color if look.hat else look.hair)
        if look.hat:
            brim = _disc(0.045, 0.056, 0.05, 0.01)
            self.part(brim, look.bag_color, light=0.8)

    def backpack(self) -> None:
        if self.look.bag == 'backpack':
            pack = _disc(-0.09 * self.look.build, 0.31, 0.06, 0.11)
            self.part(pack, self.look.bag_color)

    def shoulder_bag(self) -> None:
        if self.look.bag == 'shoulder':
            color = self.look.bag_color
            strap = ((0.03, 0.19), (-0.045, 0.46))
            self.limb(strap, (0.009, 0.009), color, 0.8)
            self.part(_disc(-0.05, 0.5, 0.07, 0.05), color)

    def finish(self) -> np.ndarray:
        """Return the painted rectangle as blue, green, red, alpha."""
        left, top, w, h = cv2.boundingRect(self.alpha)
        # with a rim as wide as the blur reaches
        y, x = max(top - 8, 0), max(left - 8, 0)
        place = slice(y, top + h + 8), slice(x, left + w + 8)
        lit = self.color[place] * _cloth(self.alpha.shape)[place]
        color = np.clip(lit, 0, 255).astype(np.uint8)
        image = np.dstack([color, self.alpha[place]])
        image = cv2.GaussianBlur(image, (0, 0), 1.8)
        return image[top - y : top - y + h, left - x : left - x + w]


def _disc(x: float, y: float, rx: float, ry: float) -> np.ndarray:
    """Return points ``(25, 2)`` of an ellipse."""
    turn = np.linspace(0, 2 * np.pi, 25)
    return np.stack([x + rx * np.cos(turn), y + ry * np.sin(turn)], 1)


def _leg_joints(phase: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    hip = np.array([0.0, 0.5])
    thigh = 0.4 * np.sin(phase)
    bend = 0.12 + 0.75 * max(0.0, np.cos(phase)) ** 1.5
    knee = _along(hip, thigh, 0.235)
    return hip, knee, _along(knee, thigh - bend, 0.225)


def _along(start: np.ndarray, angle: float, length: float) -> np.ndarray:
    """Return the end of a bone; angle 0 is down, positive is forward."""
    return start + length * np.array([np.sin(angle), np.cos(angle)])


@functools.cache
def _cloth(shape: tuple[int, int]) -> np.ndarray:
    """Return the brightness ``(H, W, 1)`` of cloth with folds, about 1.

    Detectors find figures with folds more often than plain ones.
    """
    rng = np.random.default_rng(5)
    light = np.linspace(1.08, 0.88, shape[1])[None].repeat(shape[0], 0)
    for width, depth in ((5.0, 0.13), (1.2, 0.06)):
        folds = cv2.GaussianBlur(rng.normal(size=shape), (0, 0), width)
        light = light + folds * depth / folds.std()
    return light[..., None]
