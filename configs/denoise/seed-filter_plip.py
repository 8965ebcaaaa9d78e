# The earlier filter of CION's authors (PLIP, appendix A.7.2 and A.7.3), which
# made SYNTH-PEDES. Cosine similarities there, distances here: images of a
# tracklet below 0.6 go, then to an identity within 2 places above 0.65;
# identities within 2 places above 0.62 are joined.
center = False
pipeline = [
    dict(
        type='SingleTrackletDenoiser',
        sigma=0.4,
        leave_one_out=True,
        min_images=1,
    ),
    dict(type='ClosureDenoiser', sigma=0.35, delta=0.38, half_width=2),
]
export = dict(min_images_per_identity=5, max_images_per_identity=20)
