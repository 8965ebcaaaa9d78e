"""Compare PyTorch with onnxruntime on the models of the zoo, on a CPU.

Example::

    python benchmarks/bench_onnx.py --models 'cion_resnet*' --folder FOLDER

Images per second of CPU time, with one thread, so that other work on the
machine counts little: ``get_model``'s network and ``OnnxModel`` with the same
random weights, best of some rounds in turns, and the largest difference of
features of length 1. Exported files are kept in ``--folder``. Rows are those
of a Markdown table. The last line of output is JSON.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import torch
from torch.nn.functional import normalize


def measure(name: str, args: argparse.Namespace) -> dict[str, Any]:
    """Return the figures of a model."""
    from mmcion.apis.export import export_model
    from mmcion.apis.export_parity import random_crops
    from mmcion.apis.onnx_model import OnnxModel
    from mmcion.apis.zoo import get_model

    torch.manual_seed(0)
    model = get_model(name, pretrained=False)
    size = tuple(model.spec.input_size)
    out = args.folder / f'{name}.onnx'
    if not out.exists():
        args.folder.mkdir(parents=True, exist_ok=True)
        export_model(model, out, image_size=size)
    exported = OnnxModel(out)
    crops = random_crops(*size, args.batch_size).permute(0, 3, 1, 2)
    inputs = model.data_preprocessor({'inputs': crops.contiguous()})['inputs']
    seconds = {'torch': float('inf'), 'onnxruntime': float('inf')}
    with torch.inference_mode():
        expected, found = normalize(model(inputs)), normalize(exported(inputs))
        until = time.process_time() + args.seconds
        while time.process_time() < until:
            for engine, run in (('torch', model), ('onnxruntime', exported)):
                began = time.process_time()
                run(inputs)
                took = time.process_time() - began
                seconds[engine] = min(seconds[engine], took)
    rates = {k: round(args.batch_size / v, 1) for k, v in seconds.items()}
    return {
        **rates,
        'times': round(seconds['torch'] / seconds['onnxruntime'], 2),
        'difference': float(f'{(expected - found).abs().max():.1e}'),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('--models', default='*', help='wildcard of names')
    parser.add_argument('--folder', type=Path, required=True)
    parser.add_argument('--batch-size', type=int, default=16)
    parser.add_argument(
        '--seconds', type=float, default=6, help='of CPU time, each model'
    )
    args = parser.parse_args()
    from mmcion.apis.zoo_index import list_models
    from mmcion.utils.memory import reuse_freed_memory

    torch.set_num_threads(1)
    reuse_freed_memory()  # as FeatureExtractor does
    results = {}
    print('| model | torch | onnxruntime | times | difference |')
    for name in list_models(args.models):
        results[name] = found = measure(name, args)
        print(
            f'| {" | ".join(map(str, (name, *found.values())))} |', flush=True
        )
    print(json.dumps(results))


if __name__ == '__main__':
    main()
