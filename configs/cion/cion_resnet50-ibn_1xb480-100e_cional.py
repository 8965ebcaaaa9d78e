# The paper's recipe on one GPU of 141 GB. The batch size is ours and has not
# been tried on a GPU: in bfloat16 the 10 views of an image leave 128 MiB for
# the backward pass (counted on a CPU, not compiled), 60 GiB in all; networks,
# optimizer and logits are estimated at a few GiB. It is a multiple of 24, so
# that every K divides it.
_base_ = './cion_resnet50-ibn_8xb120-100e_cional.py'

model = dict(channels_last=True, compile_backbone=True)
train_dataloader = dict(batch_size=480)
