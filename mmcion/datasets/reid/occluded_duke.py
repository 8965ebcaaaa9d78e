"""OccludedDuke: DukeMTMC-reID with occluded queries."""

from mmcion.registry import DATASETS

from .dukemtmcreid import DukeMTMCreID


@DATASETS.register_module()
class OccludedDuke(DukeMTMCreID):
    """Occluded-DukeMTMC, sorted from the images of DukeMTMC-reID.

    Source: Miao et al., "Pose-guided feature alignment for occluded person
    re-identification", ICCV 2019.
    """

    archives = ('Occluded_Duke', 'Occluded-DukeMTMC', 'Occluded-DukeMTMC-reID')
