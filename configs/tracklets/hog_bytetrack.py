_base_ = './efficientdet-lite2_bytetrack.py'

# No weight file needed, and many more mistakes.
detector = dict(_delete_=True, type='HOGDetector', upsample=1.5)
