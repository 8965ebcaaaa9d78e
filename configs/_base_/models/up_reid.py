# Each config adds its backbone. The paper has no public code: MoCo's part is
# that of LUP, the numbers of the two additional terms are ours.
_base_ = './moco.py'
model = dict(
    type='UPReID',
    consistency='kl_queue',  # or 'kl_batch', 'cosine'
    consistency_weight=1.0,
    num_stripes=4,  # a divisor of the rows of the last map, here 8
    topk_neg=1,  # hardest negatives of a stripe; None for no mining
    stripe_weight=1.0,
    warmup_ratio=0.05,  # of both weights
)
