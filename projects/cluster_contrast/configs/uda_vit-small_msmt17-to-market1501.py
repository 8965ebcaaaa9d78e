# From a fine-tuning on msmt17: model.backbone_checkpoint=FILE.
_base_ = './usl_vit-small_market1501.py'
