"""Count parameters and operations of backbones."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

EXAMPLE = """examples:
  python tools/analysis_tools/get_flops.py resnet50_ibn
  python tools/analysis_tools/get_flops.py vit_small swin_tiny \\
      --image-size 384 128
  python tools/analysis_tools/get_flops.py \\
      configs/cion/cion_resnet50-ibn_8xb120-100e_cional.py

FLOPs are multiply-adds of one image, as papers count them, of convolutions
and matrix products; the rest is below a few percent. A neck is not counted.
"""


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    from mmcion.utils.cli import add_model_options, tool_parser

    parser = tool_parser(__doc__, EXAMPLE)
    add_model_options(parser, several=True, weights=False)
    return parser.parse_args()


def count(
    backbone: 'nn.Module', height: int, width: int
) -> tuple[int, int, int]:
    """Return parameters, multiply-adds and dimensions d of the feature."""
    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    from mmcion.models.utils import pooled_feature

    counter = FlopCounterMode(display=False)
    image = torch.zeros(1, 3, height, width)
    backbone.eval()
    # operations of a fused attention kernel are not counted on CPUs
    with torch.no_grad(), counter, sdpa_kernel(SDPBackend.MATH):
        feat = pooled_feature(backbone(image))
    parameters = sum(param.numel() for param in backbone.parameters())
    # torch counts a multiply-add as two operations, papers as one
    return parameters, counter.get_total_flops() // 2, feat.shape[1]


def main() -> None:
    """Print a row per backbone."""
    args = parse_args()
    from mmcion.apis.features import input_size
    from mmcion.apis.zoo import get_model, is_weight_file
    from mmcion.utils.checks import check_image_size

    width = max(len(Path(model).stem) for model in args.models) + 2
    columns = ('HxW', 'params (M)', 'FLOPs (G)', 'd')
    print(f'{"":{width}}' + ''.join(f'{column:>12}' for column in columns))
    for path in args.models:
        model = get_model(
            path,
            None if is_weight_file(path) else False,
            custom_imports=args.custom_imports,
        )
        size = check_image_size(args.image_size or input_size(model))
        parameters, flops, dims = count(
            getattr(model, 'backbone', model), *size
        )
        print(
            f'{Path(path).stem:{width}}{f"{size[0]}x{size[1]}":>12}'
            f'{parameters / 1e6:>12.3f}{flops / 1e9:>12.4f}{dims:>12}'
        )


if __name__ == '__main__':
    from mmcion.utils.cli import run_tool

    run_tool(main)
