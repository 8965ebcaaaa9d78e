_base_ = './efficientdet-lite2_bytetrack.py'

# Needs no weight file and makes many more errors.
detector = dict(
    _delete_=True, type='HOGDetector', upsample=1.5, score_thr=0.85
)
tracker = dict(high_thr=0.85, new_track_thr=0.9)
