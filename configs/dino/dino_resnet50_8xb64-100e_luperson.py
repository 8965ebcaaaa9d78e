# As dino_vit-small_8xb64-100e_luperson.py with the backbone that LUP and PNL
# have (ours).
_base_ = './dino_vit-small_8xb64-100e_luperson.py'
model = dict(backbone=dict(_delete_=True, type='ResNet', depth=50))
