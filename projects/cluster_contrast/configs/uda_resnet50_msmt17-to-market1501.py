# From a fine-tuning on msmt17: model.backbone_checkpoint=FILE.
_base_ = './usl_resnet50_market1501.py'
