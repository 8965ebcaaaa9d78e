_base_ = './reid_test.py'
data_root = 'data/occluded_duke/'
test_dataloader = dict(dataset=dict(type='OccludedDuke', data_root=data_root))
