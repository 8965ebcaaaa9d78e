default_scope = 'mmcion'

default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    throughput=dict(type='ThroughputHook'),
    logger=dict(type='LoggerHook', interval=50),  # iterations
    param_scheduler=dict(type='ParamSchedulerHook'),
    # every epoch; by_epoch=False counts iterations
    checkpoint=dict(type='AtomicCheckpointHook', interval=1, max_keep_ckpts=3),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    # resume within an epoch, too
    resume=dict(type='ExactResumeHook'),
    # has any query a match?
    evaluation_check=dict(type='EvaluationCheckHook'),
    # data, weights, options and seed, in every checkpoint
    fingerprint=dict(type='FingerprintHook'),
)
env_cfg = dict(
    cudnn_benchmark=True,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    dist_cfg=dict(backend='nccl'),
)
visualizer = dict(
    type='Visualizer',
    vis_backends=[
        dict(type='LocalVisBackend'),
        dict(type='TensorboardVisBackend'),
    ],
)
randomness = dict(seed=0)
log_level = 'INFO'
load_from = None  # weights of the whole model to start from
resume = False  # or tools/train.py --resume
