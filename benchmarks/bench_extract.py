"""Measure extraction of features on a CPU against the bare network.

Example::

    python benchmarks/bench_extract.py --models cion_resnet50_ibn

Images per second, the median of rounds in which the forms take turns, from
JPEGs of the size of person images, with random weights; and the median of the
rounds' ratios to the bare network:

- bare: the network alone, on a batch that is prepared already, before and
  after ``reuse_freed_memory``;
- loader: torch's ``DataLoader`` with two processes, and the network;
- extractor: ``FeatureExtractor``;
- tool: ``extract_features``, which ``tools/extract_features.py`` calls.

The same per second of CPU time, which counts with ``--threads 1``: other work
on the machine changes it little. That of the loader is without its processes.
Every network has a process of its own. The last line of output is JSON.
"""

import argparse
import json
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from plain_forms import make_images
from torch.utils.data import DataLoader

MODELS = ['cion_resnet50_ibn', 'cion_fastvit_s12', 'mobilenetv2_100']
SIZE = (256, 128)


def open_model(name: str) -> Any:
    """Build a model of the zoo or of timm, with random weights."""
    from mmcion.apis.zoo import get_model
    from mmcion.models import ReIDModel

    if name.startswith('cion_'):
        return get_model(name, pretrained=False)
    backbone = {'type': 'mmpretrain.TIMMBackbone', 'model_name': name}
    return ReIDModel(backbone)


def measure(name: str, args: argparse.Namespace) -> dict[str, float]:
    """Return images per second of every form."""
    from mmcion.apis.extract import extract_features
    from mmcion.apis.features import FeatureExtractor, PreparedImages
    from mmcion.structures import TrackletTable

    torch.set_num_threads(args.threads)
    model = open_model(name).eval()
    batch = torch.randn(args.batch_size, 3, *SIZE)
    num_batches = args.images // args.batch_size

    @torch.inference_mode()
    def bare() -> None:
        for _ in range(num_batches):
            model(batch)

    # of each round, by form and clock
    rates: dict[str, list[float]] = defaultdict(list)
    images = num_batches * args.batch_size

    def run(form: str, function: Callable[[], Any]) -> None:
        began = time.perf_counter(), time.process_time()
        function()
        ended = time.perf_counter(), time.process_time()
        for clock, start, end in zip(('', ', CPU'), began, ended, strict=True):
            rates[form + clock].append(images / (end - start))

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        files = [str(root / f'{number}.jpg') for number in range(args.images)]
        jpegs = make_images(64, 300, 130)
        for number, file in enumerate(files):
            Path(file).write_bytes(jpegs[number % len(jpegs)])
        rows = np.arange(len(files))
        table = TrackletTable.from_columns(
            video_id=rows * 0, tracklet_id=rows * 0, frame=rows, path=files
        )
        bare()
        run('bare, default memory', bare)
        # reuses freed memory from here on
        extractor = FeatureExtractor(model, 'cpu', batch_size=args.batch_size)
        prepared = PreparedImages([*files], extractor.pipeline)

        @torch.inference_mode()
        def loader() -> None:
            for inputs in DataLoader(prepared, args.batch_size, num_workers=2):
                model(model.data_preprocessor({'inputs': inputs})['inputs'])

        def tool() -> None:
            extract_features(
                model,
                table,
                extractor.pipeline,
                root / f'out{time.monotonic_ns()}',
                meta={},
                batch_size=args.batch_size,
                device='cpu',
            )

        for _ in range(args.rounds):
            run('bare', bare)
            run('loader', loader)
            run('extractor', lambda: extractor(files))
            run('tool', tool)
    result = {
        form: round(float(np.median(found)), 1)
        for form, found in rates.items()
    }
    for form in ('extractor', 'tool', 'loader'):
        for clock in ('', ', CPU'):
            ratios = np.divide(rates[form + clock], rates[f'bare{clock}'])
            result[f'{form} / bare{clock}'] = round(
                float(np.median(ratios)), 3
            )
    return result


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('--models', nargs='+', default=MODELS)
    parser.add_argument('--images', type=int, default=128)
    parser.add_argument('--batch-size', type=int, default=32)
    parser.add_argument('--rounds', type=int, default=8)
    parser.add_argument('--threads', type=int, default=torch.get_num_threads())
    args = parser.parse_args()
    results = {}
    for name in args.models:
        with ProcessPoolExecutor(1, get_context('spawn')) as pool:
            rates = pool.submit(measure, name, args).result()
        results[name] = rates
        print(f'{name:20}{rates}', flush=True)
    print(json.dumps(results))


if __name__ == '__main__':
    main()
