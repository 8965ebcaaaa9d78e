# The three levels of CION with thresholds calibrated on the data itself.
# 'auto' is the calibrated value, dict(auto=1.2) that multiple of it: an
# identity looks more different between videos than within a tracklet.
center = True
calibration = dict(false_merge_rate=0.05, tracklet_noise=0.1)
pipeline = [
    dict(type='SingleTrackletDenoiser', sigma='auto', min_images=2),
    dict(
        type='SingleVideoDenoiser',
        sigma='auto',
        delta='auto',
        min_shared_frames=3,
    ),
    dict(
        type='CrossVideoDenoiser',
        delta='auto',
        max_spread=dict(auto=1.5),
        sigma=dict(auto=1.2),
        half_width=None,
        false_discovery_rate=0.4,
        min_shared_frames=3,
    ),
]
export = dict(min_images_per_identity=4, min_videos=1)
self_check = dict(folds=5)
