"""Draw few-shot training sets: a ratio of the identities, or of the images."""

import argparse
from pathlib import Path

EXAMPLE = """examples:
  python tools/dataset_converters/reid2few_shot.py \\
      configs/_base_/datasets/market1501_train.py --out data/market1501/lists
  python tools/dataset_converters/reid2few_shot.py \\
      configs/_base_/datasets/msmt17_train.py --ratios 0.1 0.3 --seed 1 \\
      --out lists --cfg-options train_dataloader.dataset.data_root=/data/MSMT17

Writes few_ids/used_ids_0.10.txt and few_ims/used_ims_0.10.txt and so on, in
the form of the lists that LUPerson and CION publish. Of one seed, a larger
set holds all of a smaller one. A training takes either kind, and the number
of its identities:

  python tools/train.py CONFIG --cfg-options \\
      train_dataloader.dataset.few_shot=lists/few_ids/used_ids_0.10.txt \\
      model.head.num_classes=75
"""
RATIOS = [number / 10 for number in range(1, 11)]


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    from mmcion.utils.cli import add_cfg_options, add_out_options, tool_parser

    parser = tool_parser(__doc__, EXAMPLE)
    parser.add_argument('config', help='config with a train_dataloader')
    add_out_options(parser, 'folder')
    parser.add_argument(
        '--ratios', type=float, nargs='+', default=RATIOS, metavar='RATIO'
    )
    parser.add_argument('--seed', type=int, default=0, help='of the draws')
    add_cfg_options(parser)
    return parser.parse_args()


def main() -> None:
    """Write the lists of all ratios."""
    args = parse_args()
    from mmcion.datasets import BaseReIDDataset
    from mmcion.datasets.reid.few_shot import (
        choose_identities,
        choose_images,
        write_identity_list,
        write_image_list,
    )
    from mmcion.datasets.reid.reid_image import JUNK
    from mmcion.registry import DATASETS
    from mmcion.utils.checks import UserError, check_new
    from mmcion.utils.cli import read_config

    cfg = read_config(args.config, args.cfg_options)
    dataset = DATASETS.build(
        {
            **cfg.train_dataloader.dataset,
            'pipeline': [],
            '_scope_': 'mmcion',
            'lazy_init': True,
        }
    )
    if not isinstance(dataset, BaseReIDDataset):
        raise UserError(f'{args.config} trains on no set of ReID.')
    import numpy as np

    found = dataset.read()['train']
    images = [image for image in found if image.pid != JUNK]
    pids = np.array([image.pid for image in images])
    for ratio in args.ratios:
        name = f'{ratio:.2f}.txt'
        out = Path(args.out)
        id_list = out / 'few_ids' / f'used_ids_{name}'
        image_list = out / 'few_ims' / f'used_ims_{name}'
        for path in (id_list, image_list):
            check_new(path, overwrite=args.overwrite)
            path.parent.mkdir(parents=True, exist_ok=True)
        kept = choose_identities(pids, ratio, args.seed)
        write_identity_list(id_list, kept.tolist())
        rows = choose_images(pids, ratio, args.seed)
        write_image_list(image_list, [images[row] for row in rows])
        print(
            f'{ratio:.2f}: {len(kept)} identities with '
            f'{int(np.isin(pids, kept).sum())} images, or {len(rows)} images '
            f'of all {len(np.unique(pids))} identities'
        )


if __name__ == '__main__':
    from mmcion.utils.cli import run_tool

    run_tool(main)
