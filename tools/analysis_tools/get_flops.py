"""Count parameters and operations of backbones."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

if TYPE_CHECKING:
    from torch import nn

EXAMPLE = """examples:
  python tools/analysis_tools/get_flops.py resnet50_ibn
  python tools/analysis_tools/get_flops.py vit_small swin_tiny --shape 384 128
  python tools/analysis_tools/get_flops.py \\
      configs/cion/cion_resnet50-ibn_8xb120-100e_cional.py

FLOPs are multiply-adds of one image, as papers count them, of convolutions
and matrix products; what is left out is below a few percent.
"""


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    from mmcion.utils.cli import tool_parser

    parser = tool_parser(__doc__, EXAMPLE)
    parser.add_argument(
        'models',
        nargs='+',
        metavar='ARCH_OR_CONFIG',
        help='names of architectures, or configs whose backbone counts',
    )
    parser.add_argument(
        '--shape',
        nargs=2,
        type=int,
        metavar=('H', 'W'),
        default=(256, 128),
        help='pixels of an image (default: 256 128)',
    )
    return parser.parse_args()


def build(model: str) -> 'nn.Module':
    """Build a backbone by its architecture, or of a config."""
    from mmcion.models import build_backbone
    from mmcion.registry import MODELS
    from mmcion.utils.cli import read_config

    if not model.endswith('.py'):
        return build_backbone(model)
    cfg = read_config(model)
    if 'backbone' not in cfg.get('model', {}):
        raise ValueError(f'{model} has no model.backbone')
    return MODELS.build(cfg.model.backbone)


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
    # what a fused kernel of attention does is not counted on CPUs
    with torch.no_grad(), counter, sdpa_kernel(SDPBackend.MATH):
        feat = pooled_feature(backbone(image))
    parameters = sum(param.numel() for param in backbone.parameters())
    return parameters, counter.get_total_flops() // 2, feat.shape[1]


def main() -> None:
    """Print a row per backbone."""
    args = parse_args()
    from mmengine.registry import init_default_scope

    init_default_scope('mmcion')
    height, width = args.shape
    names = [Path(model).stem for model in args.models]
    column = max(map(len, names)) + 2
    print(f'one image of {height} x {width} (height x width)')
    print(f'{"":{column}}{"params (M)":>12}{"FLOPs (G)":>12}{"d":>7}')
    for name, model in zip(names, args.models, strict=True):
        parameters, flops, dims = count(build(model), height, width)
        print(
            f'{name:{column}}{parameters / 1e6:>12.3f}{flops / 1e9:>12.4f}'
            f'{dims:>7}'
        )


if __name__ == '__main__':
    from mmcion.utils.cli import run_tool

    run_tool(main)
