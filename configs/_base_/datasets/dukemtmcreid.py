_base_ = './reid_test.py'
data_root = 'data/dukemtmcreid/'
test_dataloader = dict(dataset=dict(type='DukeMTMCreID', data_root=data_root))
