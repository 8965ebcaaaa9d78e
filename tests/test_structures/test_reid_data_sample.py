import torch

from mmcion.structures import ReIDDataSample


def test_labels_are_meta_fields_and_the_feature_is_data():
    sample = ReIDDataSample(metainfo={'pid': 3, 'cam_id': 1, 'is_query': True})
    sample.feature = torch.ones(4)
    assert sample.metainfo == {'pid': 3, 'cam_id': 1, 'is_query': True}
    assert sample.keys() == ['feature']
    assert sample.pid == 3
    double = sample.to(torch.float64)
    assert double.feature.dtype == torch.float64
    assert double.pid == 3
