_base_ = './cuhk03np_detected.py'
test_dataloader = dict(dataset=dict(boxes='labeled'))
