# From a fine-tuning on market1501: model.backbone_checkpoint=FILE.
_base_ = './usl_resnet101-ibn_msmt17.py'
