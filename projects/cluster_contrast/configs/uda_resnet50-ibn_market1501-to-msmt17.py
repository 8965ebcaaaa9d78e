# From a fine-tuning on market1501: model.backbone_checkpoint=FILE.
_base_ = './usl_resnet50-ibn_msmt17.py'
