# The default: EfficientDet-Lite2 detects people, ByteTrack tracks them.
detector = dict(
    type='EfficientDetLiteDetector',
    model='efficientdet_lite2.tflite',
    score_thr=0.3,
    tiles=(1, 1),
)
tracker = dict(type='ByteTrack', high_thr=0.3, new_track_thr=0.4)
extractor = dict(
    stride=1,
    min_length=5,
    min_height=0,
    clips=1,
    padding=0.05,
    quality=95,
)
