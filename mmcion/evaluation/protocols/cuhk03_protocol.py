"""CUHK03Protocol: CMC with one gallery image of each person."""

from mmcion.registry import PROTOCOLS

from .gallery_rule import GalleryRule
from .market_protocol import MarketProtocol


class SingleShotRule(GalleryRule):
    """The rule of Market-1501, with a CMC over drawn images."""

    cmc = 'drawn'


@PROTOCOLS.register_module()
class CUHK03Protocol(MarketProtocol):
    """Single gallery shot: CMC when one image of each identity is drawn.

    For each query one image of every gallery identity is drawn, from those
    that count for it, each equally likely. CMC is the mean over all draws,
    computed and not sampled (ours; others average over 10 or 100 draws).
    mAP and mINP rank the whole gallery, as in the code of others.

    Papers on CUHK03-NP use ``MarketProtocol`` instead.

    Source: Li et al., "DeepReID: deep filter pairing neural network for
    person re-identification", CVPR 2014, section 6.
    """

    rule = SingleShotRule

    @property
    def remark(self) -> str:
        """What a reader of the scores has to know beyond their names."""
        return (
            'Rank-k is that of a gallery with one drawn image of each person, '
            'the mean over all draws. mAP, mINP and the lists are those of '
            'the whole gallery.'
        )
