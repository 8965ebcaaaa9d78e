"""Show which parts of images make the feature of a model."""

import argparse
from pathlib import Path

EXAMPLE = """examples:
  # a model of the zoo, with weights from the folder MMCION_ZOO
  python tools/analysis_tools/vis_cam.py cion_resnet50_ibn a.jpg b.jpg \\
      --out cams.png

  # a model file: what makes the images of a folder look like another one
  python tools/analysis_tools/vis_cam.py vit_small-0123abcd.pth some/crops \\
      --reference wanted.jpg --out cams.png

  # a config and a checkpoint of another training
  python tools/analysis_tools/vis_cam.py \\
      configs/eval/zero-shot_resnet50-ibn_256x128.py a.jpg \\
      --weights work_dirs/cion/epoch_100.pth --out cams.png

Bright areas contribute most. Each map is scaled by itself, so brightness
cannot be compared between images. With --reference, the number below a map is
the cosine of the two features.
"""


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    from mmcion.utils.cli import add_model_options, tool_parser

    parser = tool_parser(__doc__, EXAMPLE)
    add_model_options(parser)
    parser.add_argument(
        'images', nargs='+', metavar='IMAGE', help='files, or one folder'
    )
    parser.add_argument(
        '--out', required=True, help='image to write (.png or .jpg)'
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
        help='show N of more images, evenly spaced (default: %(default)s)',
    )
    parser.add_argument(
        '--device', help='such as cpu or cuda:0 (default: the best there is)'
    )
    return parser.parse_args()


def choose_images(args: argparse.Namespace) -> list[str]:
    """Return the files to show."""
    import numpy as np

    from mmcion.utils.checks import check_at_least
    from mmcion.utils.images import list_images
    from mmcion.visualization import spread

    check_at_least(1, **{'--max-images': args.max_images})
    files = args.images
    if len(files) == 1 and Path(files[0]).is_dir():
        files = [Path(files[0], name) for name in list_images(files[0])]
    if len(files) > args.max_images:
        print(f'{args.max_images} of {len(files)} images, evenly spaced')
    chosen = spread(np.array([str(file) for file in files]), args.max_images)
    return chosen.tolist()


def main() -> None:
    """Draw."""
    args = parse_args()
    from mmcion.utils.cli import check_out_file

    # before the model is opened, which takes seconds
    out = Path(args.out)
    check_out_file(args.out, '.png', '.jpg', '.jpeg')
    from mmengine.device import get_device
    from mmengine.registry import init_default_scope

    from mmcion.apis.cam import activation_maps
    from mmcion.apis.features import FeatureExtractor
    from mmcion.apis.zoo import get_model
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
        get_model(
            args.model,
            args.weights or not args.random_weights,
            custom_imports=args.custom_imports,
        ),
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
