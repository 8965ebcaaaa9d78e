_base_ = './efficientdet-lite2_bytetrack.py'

# Ids of the file where it has any, else ByteTrack.
detector = dict(_delete_=True, type='BoxFileDetector', boxes=None)
tracker = dict(
    _delete_=True, type='GivenIds', otherwise=dict(type='ByteTrack')
)
