# CION with the tracklets of a tracker as identities, without any denoising:
# the table that tools/extract_tracklets.py or a converter has written.
_base_ = './cion_resnet50-ibn_8xb120-100e_cional.py'
data_root = None  # as the table states
train_dataloader = dict(
    dataset=dict(ann_file='work_dirs/tracklets/table', data_root=data_root)
)
