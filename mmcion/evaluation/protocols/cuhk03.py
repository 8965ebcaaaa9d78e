import numpy as np

from mmcion.registry import PROTOCOLS

from .market import MarketProtocol


@PROTOCOLS.register_module()
class CUHK03Protocol(MarketProtocol):
    """Single gallery shot: CMC when one image of each identity is drawn.

    For each query one image of every gallery identity is drawn uniformly
    from those that count. CMC is the mean over all draws, computed in closed
    form instead of by sampling (ours; public code averages 10 or 100 draws).
    mAP and mINP rank the whole gallery, as public code does.

    Papers on CUHK03-NP use ``MarketProtocol`` instead.

    Source: Li et al., "DeepReID: deep filter pairing neural network for
    person re-identification", CVPR 2014, section 6.
    """

    cmc_by_image = False

    @property
    def remark(self) -> str:
        """What a reader of the scores must know beyond their names."""
        return (
            'Rank-k is for a gallery with one randomly drawn image of each '
            'identity, averaged over all draws. mAP, mINP and the ranked '
            'lists are for the whole gallery.'
        )

    def hits(
        self,
        own: np.ndarray,
        wrong: np.ndarray,
        wrong_pids: np.ndarray,
        ranks: np.ndarray,
    ) -> np.ndarray:
        """Return the chance of a match; see ``MarketProtocol.hits``."""
        order = np.argsort(wrong_pids, kind='stable')
        _, first, counts = np.unique(
            wrong_pids[order], return_index=True, return_counts=True
        )
        if not len(first):
            return np.ones(len(ranks))
        # (M, W) -> (M, I): the chance that the drawn image of each of I other
        # identities is at most as far as each of the M matches
        nearer = wrong[order] <= own[:, None]
        chance = np.add.reduceat(nearer, first, axis=1, dtype=float) / counts
        return chance_of_fewer(chance, ranks).mean(axis=0)


def chance_of_fewer(chances: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the chance that fewer than ``counts`` of some events happen.

    ``(M, I)`` chances of I independent events in M cases and ``(R,)`` counts
    of at least 1 -> ``(M, R)``.
    """
    # The number of events is Poisson binomial: its distribution grows event
    # by event. number_MC[:, c]: chance of exactly c events so far
    number_MC = np.zeros((len(chances), counts.max()))
    number_MC[:, 0] = 1
    for event in chances.T[chances.any(axis=0)]:
        moved = number_MC[:, :-1] * event[:, None]
        number_MC *= 1 - event[:, None]
        number_MC[:, 1:] += moved
    return np.cumsum(number_MC, axis=1)[:, counts - 1]
