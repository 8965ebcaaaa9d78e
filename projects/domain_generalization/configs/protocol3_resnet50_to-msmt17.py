# Protocol 3: as protocol 2, on all images of its sources. About 24,000 steps.
_base_ = './protocol2_resnet50_to-msmt17.py'
_base_.train_dataloader.dataset.datasets[0].split = 'all'
_base_.train_dataloader.dataset.datasets[1].split = 'all'
model = dict(head=dict(num_classes=14902))
train_cfg = dict(max_epochs=78)
