_base_ = './efficientdet-lite2_bytetrack.py'

# Boxes that carry ids; for boxes without, set tracker.type to ByteTrack.
detector = dict(_delete_=True, type='BoxFileDetector', boxes=None)
tracker = dict(_delete_=True, type='GivenIds')
