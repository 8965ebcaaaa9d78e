"""MarketProtocol: the rule of Market-1501, and the base of the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from mmcion.registry import PROTOCOLS

from .gallery_rule import GalleryRule
from .labels import Labels


class Trial(NamedTuple):
    """One ranking of a protocol.

    Attributes:
        gallery_rows: images of the gallery that take part, None for all.
        rule: which of these count for which query.
    """

    gallery_rows: np.ndarray | None
    rule: GalleryRule


@PROTOCOLS.register_module()
class MarketProtocol:
    """Rank the gallery once, by the rule of Market-1501.

    Most sets of still images follow it: MSMT17, DukeMTMC-reID, CUHK03-NP,
    PersonX and VeRi-776, and MARS by tracklets. See ``GalleryRule``.
    """

    rule: type[GalleryRule] = GalleryRule

    @property
    def remark(self) -> str:
        """What a reader of the scores has to know beyond their names."""
        return ''

    def trials(
        self, labels: Labels, ignore_pids: Sequence[int] | int = (-1,)
    ) -> list[Trial]:
        """Return the rankings to make; their scores are averaged.

        Args:
            labels: of queries and gallery.
            ignore_pids: identities to leave out of both.

        Raises:
            ValueError: if labels lack what the protocol needs.
        """
        return [Trial(None, self.rule(labels, ignore_pids))]

    def __repr__(self) -> str:
        options = ', '.join(f'{k}={v!r}' for k, v in vars(self).items())
        return f'{type(self).__name__}({options})'


def build_protocol(protocol: Any) -> MarketProtocol:
    """Return a protocol by its name, its config or as it is.

    Raises:
        ValueError: if there is no protocol of the name, or it has no such
            option.
    """
    if isinstance(protocol, str):
        protocol = {'type': protocol}
    if not isinstance(protocol, Mapping):
        return protocol
    name = protocol.get('type')
    if not isinstance(name, str) or PROTOCOLS.get(name) is None:
        known = ', '.join(sorted(PROTOCOLS.module_dict))
        raise ValueError(f'protocol must be one of {known}; got {name!r}.')
    try:
        return PROTOCOLS.build(dict(protocol))
    except TypeError as error:
        raise ValueError(f'{name} has no such options: {error}') from error
