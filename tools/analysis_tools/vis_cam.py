"""Show where in its images a model finds the feature."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

if TYPE_CHECKING:
    from torch import nn

EXAMPLE = """examples:
  # a model of the zoo, with weights from the folder MMCION_ZOO
  python tools/analysis_tools/vis_cam.py cion_resnet50_ibn a.jpg b.jpg \\
      --out cams.png

  # a model file: what makes the people of a folder look like one person
  python tools/analysis_tools/vis_cam.py vit_small-0123abcd.pth some/people \\
      --reference wanted.jpg --out cams.png

  # a config and a checkpoint of pre-training
  python tools/analysis_tools/vis_cam.py \\
      configs/eval/zero-shot_resnet50-ibn_256x128.py a.jpg \\
      --weights work_dirs/cion/epoch_100.pth --out cams.png

Bright places add most. Each map is scaled by itself; brightness cannot be
compared between images. With --reference, the number below a map is the cosine
of the two features.
"""


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    from mmcion.utils.cli import add_model_options, tool_parser

    parser = tool_parser(__doc__, EXAMPLE)
    add_model_options(parser, configs=True)
    parser.add_argument(
        'images', nargs='+', metavar='IMAGE', help='files, or one folder'
    )
    parser.add_argument(
        '--out', required=True, help='picture to write (.png or .jpg)'
    )
    parser.add_argument(
        '--reference',
        metavar='IMAGE',
        help='show what makes the images like this one',
    )
    parser.add_argument(
        '--max-images',
        type=int,
        default=30,
        metavar='N',
        help='show so many of more images, evenly spaced (default: '
        '%(default)s)',
    )
    parser.add_argument(
        '--device', help='such as cpu or cuda:0 (default: the best there is)'
    )
    return parser.parse_args()


def load(args: argparse.Namespace) -> 'nn.Module':
    """Build the model with its weights."""
    from mmcion.apis.inference import init_model
    from mmcion.apis.model_zoo import load_named

    if args.model.endswith('.py'):
        return init_model(args.model, args.weights, device='cpu')
    return load_named(args.model, args.weights, args.random_weights)


def choose_images(args: argparse.Namespace) -> list[str]:
    """Return the files to show."""
    import numpy as np

    from mmcion.apis.image_inputs import list_images
    from mmcion.visualization import spread

    if args.max_images < 1:
        raise ValueError(
            f'--max-images must be at least 1; got {args.max_images}.'
        )
    files = args.images
    if len(files) == 1 and Path(files[0]).is_dir():
        files = list_images(files[0])
    if len(files) > args.max_images:
        print(f'{args.max_images} of {len(files)} images, evenly spaced')
    chosen = spread(np.array([str(file) for file in files]), args.max_images)
    return chosen.tolist()


def main() -> None:
    """Draw."""
    args = parse_args()
    out = Path(args.out)
    if out.suffix.lower() not in ('.png', '.jpg', '.jpeg'):
        raise ValueError(f'--out must end in .png or .jpg; got {args.out}.')
    from mmengine.device import get_device
    from mmengine.registry import init_default_scope

    from mmcion.apis.activation_maps import activation_maps
    from mmcion.apis.feature_extractor import FeatureExtractor
    from mmcion.visualization import (
        Tile,
        TileGroup,
        activation_group,
        image_grid,
        read_image,
        save_image,
    )

    init_default_scope('mmcion')
    files = choose_images(args)
    extractor = FeatureExtractor(
        load(args),
        args.device or get_device(),
        image_size=args.image_size,
    )
    found = activation_maps(extractor, files, reference=args.reference)
    notes, groups = None, []
    if found.reference is not None:
        notes = [f'{value:.3f}' for value in found.similarity]
        wanted = Tile(read_image(found.reference[0]))
        groups.append(TileGroup([[wanted]], 'Compared with'))
    groups.append(
        activation_group(
            found.images,
            found.maps,
            names=[Path(file).stem for file in files],
            notes=notes,
            heading='Images, and what makes them alike' if notes else '',
        )
    )
    save_image(image_grid(groups), out)
    print(f'{len(files)} maps: {out.resolve()}')


if __name__ == '__main__':
    from mmcion.utils.cli import run_tool

    run_tool(main)
