"""Collate items of a data set into a batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mmengine.dataset import default_collate

from mmcion.registry import FUNCTIONS
from mmcion.structures import ViewPlan


@FUNCTIONS.register_module()
def collate_views(items: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Stack ``inputs`` and list ``data_samples``.

    Args:
        items: Results of ``PackReIDInputs``. Images whose views are made on
            the device differ in size and are padded to the largest.
    """
    if not isinstance(items[0]['inputs'], ViewPlan):
        return default_collate(items)
    inputs = ViewPlan.stack([item['inputs'] for item in items])
    samples = [item['data_samples'] for item in items]
    return {'inputs': inputs, 'data_samples': samples}
