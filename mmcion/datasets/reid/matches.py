"""Say, before anything is run, whether queries can find anything."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from mmengine.logging import print_log

from .reid_image import JUNK, NO_CAMERA, ReIDImage

_SWITCH_OFF = 'test_evaluator.camera_aware=False'


class MatchRule(NamedTuple):
    """Which cameras of the gallery do not count for a query's identity.

    Attributes:
        name: for messages.
        left_out: cameras of the gallery by the camera of the query; None
            leaves the query's own out.
        remedy: what to do if this leaves nothing, for messages.
    """

    name: str
    left_out: Mapping[int, set[int]] | None
    remedy: str

    def counts(self, query: int, gallery: set[int]) -> bool:
        """Tell whether one of the cameras of the gallery counts."""
        if self.left_out is None:
            return bool(gallery - {query})
        return bool(gallery - self.left_out.get(query, set()))


MARKET_RULE = MatchRule(
    'the same-identity-same-camera rule',
    None,
    f'Give images their real cameras, or switch the rule off: {_SWITCH_OFF}',
)


def report_matches(
    source: object,
    queries: Sequence[ReIDImage],
    gallery: Sequence[ReIDImage],
    unit: str = 'images',
    rule: MatchRule = MARKET_RULE,
) -> None:
    """Log how many queries have a match, a warning with remedy if none has.

    A match has the query's identity, and a camera that counts; where no
    image has a camera, the identity is enough. Junk queries are not asked.

    Args:
        source: where they come from.
        queries: one image of each tracklet.
        gallery: likewise.
        unit: what the gallery holds, for the message.
        rule: which cameras count.
    """
    asked = [query for query in queries if query.pid != JUNK]
    cameras: dict[int, set[int]] = {}
    for image in gallery:
        cameras.setdefault(image.pid, set()).add(image.cam_id)
    no_cameras = all(image.cam_id == NO_CAMERA for image in (*asked, *gallery))
    num_shared = sum(query.pid in cameras for query in asked)
    num_matched = sum(
        rule.counts(query.cam_id, cameras.get(query.pid, set()))
        for query in asked
    )
    text = f'under {rule.name}'
    if no_cameras:
        num_matched = num_shared
        text = f'if cameras do not count, as none are given: {_SWITCH_OFF}'
    print_log(
        f'{source}: {len(gallery)} gallery {unit}, {len(asked)} queries, '
        f'{num_matched} with a valid match {text}',
        logger='current',
    )
    if not num_matched:
        reason = _reason(len(asked), len(gallery), num_shared, rule)
        print_log(
            f'{source}: no query has a valid match: {reason}',
            logger='current',
            level=logging.WARNING,
        )


def _reason(
    num_asked: int, num_gallery: int, num_shared: int, rule: MatchRule
) -> str:
    if not num_asked:
        return 'there is no query. Mark some labelled images as queries.'
    if not num_gallery:
        return 'the gallery is empty. Mark some images as gallery.'
    if not num_shared:
        return (
            'no identity is in both query and gallery. Label both with the '
            'same identities.'
        )
    own = rule.left_out is None
    where = 'their own camera, which' if own else 'cameras that'
    return (
        f'{num_shared} queries have images of their identity in the gallery, '
        f'but only of {where} the rule leaves out. {rule.remedy}'
    )
