# From a fine-tuning on market1501: model.backbone_checkpoint=FILE.
_base_ = './usl_resnet152_msmt17.py'
