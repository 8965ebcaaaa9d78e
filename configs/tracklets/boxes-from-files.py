_base_ = './efficientdet-lite2_bytetrack.py'

# Tracks are the ids of the file if it has any, else ByteTrack's.
detector = dict(_delete_=True, type='BoxFileDetector', boxes=None)
tracker = dict(
    _delete_=True, type='GivenIds', otherwise=dict(type='ByteTrack')
)
