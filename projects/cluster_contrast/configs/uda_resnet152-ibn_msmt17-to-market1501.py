# From a fine-tuning on msmt17: model.backbone_checkpoint=FILE.
_base_ = './usl_resnet152-ibn_market1501.py'
