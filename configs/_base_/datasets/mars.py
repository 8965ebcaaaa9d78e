# Images of tracklets; the metric averages their features.
_base_ = './market1501.py'
data_root = 'data/mars/'
test_dataloader = dict(dataset=dict(type='MARS', data_root=data_root))
test_evaluator = dict(type='ReIDMetric', average_tracklets=True)
