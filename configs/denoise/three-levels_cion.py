# The three levels exactly as CION defines them (NeurIPS 2024, Eq. 1-7), with
# its values: sigma_cst = 0.2, sigma_drm = 0.18, r_s = 1000. They belong to its
# extractor (a ViT-Base trained on the images of UFine6926). For another, set
#   --cfg-options pipeline.0.sigma=S pipeline.1.sigma=S pipeline.1.delta=D \
#       pipeline.2.delta=D
# or calibrate them on the data (ours), with 'auto' instead of a number.
center = False
pipeline = [
    dict(
        type='SingleTrackletDenoiser',
        sigma=0.2,
        leave_one_out=True,
        min_images=1,
    ),
    dict(type='ClosureDenoiser', sigma=0.2, delta=0.18, within_video=True),
    dict(type='ClosureDenoiser', delta=0.18, half_width=1000),
]
export = dict(min_images_per_identity=1)
