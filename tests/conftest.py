import multiprocessing
import os

for name in ('OMP', 'MKL', 'OPENBLAS'):
    os.environ[f'{name}_NUM_THREADS'] = '1'

multiprocessing.set_forkserver_preload(
    [
        'cv2',
        'faiss',
        'matplotlib.pyplot',
        'mmengine.runner',
        'mmpretrain.models',
        'numba',
        'pytest',
        'scipy.stats',
        'sklearn.cluster',
        'timm',
        'torch',
        'torch.utils.tensorboard',
        'torchvision',
    ]
)
