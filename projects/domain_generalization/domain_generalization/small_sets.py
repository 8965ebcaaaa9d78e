"""VIPeR, PRID, GRID and i-LIDS: two views of a person, and ten splits.

The identities of a test are drawn by the number of the split. The field draws
them at random, too, but there is no common list: scores of other draws differ
from ours in the sample, which the mean over ten makes small.
"""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import Any, ClassVar

from mmcion.datasets.reid import BaseReIDDataset
from mmcion.datasets.reid.reid_image import ReIDImage
from mmcion.registry import DATASETS
from mmcion.utils.checks import UserError, check_choice
from mmcion.utils.images import list_images

TRIALS = range(10)
_NOBODY = -2  # distractors; -1 would be ignored


class SmallSet(BaseReIDDataset):
    """A query and a gallery image of each of some drawn identities.

    Only for tests: one whose identities were not trained on has no other use
    for the rest.

    Attributes:
        num_test: Identities of a test.

    Args:
        args: See ``BaseReIDDataset``.
        trial: Number of the split, 0..9, which seeds the draw.
        kwargs: See ``BaseReIDDataset``.
    """

    num_test: ClassVar[int]

    def __init__(self, *args: Any, trial: int = 0, **kwargs: Any) -> None:
        check_choice('trial', trial, TRIALS)
        self.trial = trial
        super().__init__(*args, **kwargs)

    @property
    def title(self) -> str:
        """Name of the set and number of the split."""
        return f'{type(self).__name__}, split {self.trial}'

    @abstractmethod
    def views(self) -> tuple[list[ReIDImage], list[ReIDImage]]:
        """Return the images of the first and of the second view."""

    def read(self) -> dict[str, list[ReIDImage]]:
        """Draw the identities, and one image of each view."""
        if self.split != 'test':
            raise UserError(f'{self.title} has the split test only.')
        first, second = (_by_pid(images) for images in self.views())
        paired = sorted(first.keys() & second.keys())
        if len(paired) < self.num_test:
            raise UserError(
                f'{self.source} has {len(paired)} identities in both views, '
                f'not the {self.num_test} of a test: files are missing.'
            )
        random = Random(self.trial)
        pids = sorted(random.sample(paired, self.num_test))
        alone = [pid for pid in sorted(second) if pid not in first]
        return {
            'query': [random.choice(first[pid]) for pid in pids],
            'gallery': [random.choice(second[pid]) for pid in pids]
            # persons of one view are distractors, with all their images
            + [image for pid in alone for image in second[pid]],
        }


def _by_pid(images: Iterable[ReIDImage]) -> dict[int, list[ReIDImage]]:
    found: dict[int, list[ReIDImage]] = {}
    for image in sorted(images):
        found.setdefault(image.pid, []).append(image)
    return found


def _read_folder(folder: Path, cam_id: int, digits: slice) -> list[ReIDImage]:
    """Read images whose identity is at fixed places of their names."""
    names = list_images(folder, recursive=False)
    try:
        return [
            ReIDImage(os.path.join(folder, name), int(name[digits]), cam_id)
            for name in names
        ]
    except ValueError as error:
        raise UserError(f'{folder}: {error}, of a name.') from error


@DATASETS.register_module()
class VIPeR(SmallSet):
    """VIPeR: ``cam_a/000_45.bmp`` and ``cam_b``; 316 of 632 persons.

    Source: Gray et al., "Evaluating appearance models for recognition,
    reacquisition, and tracking", PETS 2007.
    """

    archives = ('VIPeR',)
    hint = 'It is VIPeR.v1.0.zip of its authors.'
    num_test = 316

    def views(self) -> tuple[list[ReIDImage], list[ReIDImage]]:
        """Return the images of both cameras."""
        root, _ = self.find(['cam_a', 'cam_b'])
        return (
            _read_folder(root / 'cam_a', 0, slice(0, 3)),
            _read_folder(root / 'cam_b', 1, slice(0, 3)),
        )


@DATASETS.register_module()
class PRID2011(SmallSet):
    """PRID 2011, single-shot: 100 of the 200 persons in both cameras.

    Files are ``single_shot/cam_a/person_0001.png``; persons above 200 are
    different ones in the two cameras. Those of camera b stay in the gallery,
    649 with those drawn. Source: Hirzer et al., "Person re-identification by
    descriptive and discriminative classification", SCIA 2011.
    """

    archives = ('prid_2011', 'PRID2011')
    hint = 'It is prid_2011.zip of its authors.'
    num_test = 100

    def views(self) -> tuple[list[ReIDImage], list[ReIDImage]]:
        """Return the images of both cameras."""
        root, _ = self.find(['single_shot/cam_a', 'single_shot/cam_b'])
        digits = slice(len('person_'), len('person_') + 4)
        first = _read_folder(root / 'single_shot/cam_a', 0, digits)
        second = _read_folder(root / 'single_shot/cam_b', 1, digits)
        return [image for image in first if image.pid <= 200], second


@DATASETS.register_module()
class GRID(SmallSet):
    """GRID: ``probe/0001_1_...jpeg`` and ``gallery``; 125 of 250 persons.

    The 775 images of person 0 in the gallery are distractors. Source: Loy et
    al., "Time-delayed correlation analysis for multi-camera activity
    understanding", IJCV 2010.
    """

    archives = ('underground_reid', 'GRID')
    hint = 'It is underground_reid.zip of its authors.'
    num_test = 125

    def views(self) -> tuple[list[ReIDImage], list[ReIDImage]]:
        """Return probes and gallery; their cameras differ for each person."""
        root, _ = self.find(['probe', 'gallery'])
        first = _read_folder(root / 'probe', 0, slice(0, 4))
        second = _read_folder(root / 'gallery', 1, slice(0, 4))
        return first, [
            image if image.pid else image._replace(pid=_NOBODY)
            for image in second
        ]


@DATASETS.register_module()
class iLIDS(SmallSet):
    """i-LIDS: ``Persons/0001001.jpg``; 60 of 119 persons.

    Cameras are unknown: of each person, one image is drawn as query and
    another one as gallery. Source: Zheng et al., "Associating groups of
    people", BMVC 2009.
    """

    archives = ('i-LIDS_Pedestrian', 'iLIDS', 'ilids')
    hint = 'It is i-LIDS_Pedestrian.tgz of its authors.'
    num_test = 60

    def views(self) -> tuple[list[ReIDImage], list[ReIDImage]]:
        """Return two drawn images of each person."""
        root, _ = self.find(['Persons'])
        groups = _by_pid(_read_folder(root / 'Persons', -1, slice(0, 4)))
        pairs = [
            Random(f'{self.trial} {pid}').sample(images, 2)
            for pid, images in groups.items()
            if len(images) > 1
        ]
        return [pair[0] for pair in pairs], [pair[1] for pair in pairs]
