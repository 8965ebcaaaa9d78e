# the network of ViT-base, which starts from other weights
_base_ = './transreid_vit-base_1xb64-120e_market1501.py'
