# Images of tracklets; the metric averages their features.
_base_ = './reid_test.py'
data_root = 'data/mars/'
test_dataloader = dict(dataset=dict(type='MARS', data_root=data_root))
test_evaluator = dict(average_tracklets=True)
