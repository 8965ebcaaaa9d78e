"""Export a model to ONNX or TorchScript, and compare it with the original."""

import argparse
from pathlib import Path
from typing import Any

EXAMPLE = """examples:
  # a model file; images go in as they are decoded, unit vectors come out
  python tools/export_model.py work_dirs/resnet50_ibn-0123abcd.pth \\
      --out model.onnx --with-preprocess --normalize

  # a model of the zoo, with weights from the folder MMCION_ZOO, in 8 bits too
  python tools/export_model.py cion_repvit_m0_9 --out model.onnx --int8 \\
      --crops some/crops

  # for the tracker BoT-SORT of ultralytics
  python tools/export_model.py work_dirs/resnet50_ibn-0123abcd.pth \\
      --out reid.onnx --for ultralytics

  # a checkpoint of tools/train.py, which holds its config
  python tools/export_model.py work_dirs/fine-tune/epoch_120.pth \\
      --out model.pt

Images are RGB and of --image-size; their number is free. A file whose
features differ from the model's (cosine below 0.9999) is not written. OUT.json
says how to use it, and so does the file's
metadata; see docs/model_files.md.
"""


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    from mmcion.utils.cli import add_model_options, add_overwrite, tool_parser

    parser = tool_parser(__doc__, EXAMPLE)
    add_model_options(parser)
    parser.add_argument(
        '--out',
        required=True,
        help='file to write: .onnx, .pt (TorchScript) or .pt2 (torch.export)',
    )
    add_overwrite(parser)
    parser.add_argument(
        '--with-preprocess',
        action='store_true',
        help='take uint8 RGB images (N, H, W, 3) and normalise them inside; '
        'without, float RGB images (N, 3, H, W), normalised already',
    )
    parser.add_argument(
        '--with-resize',
        action='store_true',
        help='take uint8 images of any size and resize them inside as well',
    )
    parser.add_argument(
        '--for',
        dest='tracker',
        choices=('boxmot', 'ultralytics'),
        help='write ONNX that this tracker loads as it is; features have '
        'length 1',
    )
    parser.add_argument(
        '--normalize', action='store_true', help='give features of length 1'
    )
    parser.add_argument(
        '--int8',
        action='store_true',
        help='write OUT.int8.onnx too, quantised dynamically, and measure it',
    )
    parser.add_argument(
        '--crops',
        metavar='FOLDER',
        help='person images to compare on (default: generated ones)',
    )
    return parser.parse_args()


def main() -> None:
    """Export."""
    args = parse_args()
    from mmcion.apis.export import export_model, output_files
    from mmcion.apis.export_parity import read_crops
    from mmcion.apis.features import input_size
    from mmcion.apis.zoo import get_model, is_weight_file
    from mmcion.models.weights.model_file import refuse_same_file
    from mmcion.utils.checks import check_image_size
    from mmcion.utils.cli import check_out_file

    # a file with its own weights, or those of a name or a config
    weights_file = args.model if is_weight_file(args.model) else args.weights
    refuse_same_file(args.out, weights_file)
    out = Path(args.out)
    for path in output_files(out, args.int8):
        check_out_file(path, overwrite=args.overwrite)
    model = get_model(
        args.model,
        args.weights or not args.random_weights,
        custom_imports=args.custom_imports,
    )
    size = check_image_size(args.image_size or input_size(model))
    report = export_model(
        model,
        out,
        image_size=size,
        with_preprocess=args.with_preprocess,
        with_resize=args.with_resize,
        l2_norm=args.normalize,
        int8=args.int8,
        tracker=args.tracker,
        crops=read_crops(args.crops, size) if args.crops else None,
        weights_file=weights_file,
    )
    print_report(out, report)


def print_report(out: Path, report: dict[str, Any]) -> None:
    """Print what was written and measured."""
    parity = report['parity']
    kind = 'generated' if parity['made_up_crops'] else 'real'
    print(
        f'compared on {parity["crops"]} {kind} crops, batch 1 and 8 (cosine '
        f'of the two most similar: {parity["cosine_between_crops"]:.6f}):'
    )
    files = [(out, parity)]
    if 'int8' in report:
        files.append((out.with_name(report['int8']['file']), report['int8']))
    for path, found in files:
        print(
            f'  {path} ({path.stat().st_size / 2**20:.1f} MiB): max '
            f'|difference| {found["max_abs_diff"]:.2g} of '
            f'{found["max_abs_value"]:.2g}, min cosine '
            f'{found["min_cosine"]:.8f}, mean {found["mean_cosine"]:.8f}'
        )
    print(f'how to use it: {out}.json')


if __name__ == '__main__':
    from mmcion.utils.cli import run_tool

    run_tool(main)
