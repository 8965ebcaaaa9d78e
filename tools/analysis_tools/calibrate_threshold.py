"""Find the similarity from which on two images show the same person."""

import argparse

EXAMPLE = """example:
  # features of labelled images, with the model as it is
  python tools/test.py configs/eval/zero-shot_resnet50-ibn_256x128.py \\
      MODEL.pth --datasets market1501 --dump-features features.npz

  # of pairs of two identities, one in a thousand may count as a match
  python tools/analysis_tools/calibrate_threshold.py \\
      features_market1501.npz MODEL.pth --false-match-rate 1e-3 \\
      --out CALIBRATED.pth

writes a copy of the model file that ReIDInferencer.compare decides by. The
rate holds for cameras like those of the features: take your own.
"""


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    from mmcion.utils.cli import add_custom_imports, add_overwrite, tool_parser

    parser = tool_parser(__doc__, EXAMPLE)
    parser.add_argument(
        'features', metavar='FEATURES.npz', help='with labels, of the model'
    )
    parser.add_argument(
        'model', metavar='MODEL.pth', help='model file, see publish_model.py'
    )
    parser.add_argument(
        '--false-match-rate',
        type=float,
        required=True,
        metavar='RATE',
        help='ratio of pairs of two identities that may count as a match',
    )
    parser.add_argument(
        '--out',
        metavar='NEW.pth',
        help='model file to write (default: MODEL_calibrated.pth beside it)',
    )
    parser.add_argument(
        '--ignore-cameras',
        action='store_true',
        help='let images of the same camera match too',
    )
    add_overwrite(parser)
    add_custom_imports(parser)
    return parser.parse_args()


def main() -> None:
    """Calibrate."""
    args = parse_args()
    from mmcion.apis.calibrate import calibrate_model
    from mmcion.models.weights.threshold import calibrated_path
    from mmcion.utils.cli import check_out_file

    out, _ = calibrated_path(args.model, args.out)
    check_out_file(out, overwrite=args.overwrite)
    done = calibrate_model(
        args.features,
        args.model,
        false_match_rate=args.false_match_rate,
        out=args.out,
        ignore_cameras=args.ignore_cameras,
        custom_imports=args.custom_imports,
    )
    found = done.calibration
    # the rate that was reached, at most the requested one
    rate = found.num_false_matches / found.num_wrong
    print(
        f'the same person from a similarity of {found.similarity:.4f} on\n'
        f'  true match rate   {found.true_match_rate:.4f} of '
        f'{found.num_matches} matching pairs\n'
        f'  false match rate  {rate:.3g} of {found.num_wrong} wrong pairs '
        f'({found.num_false_matches}); requested {found.false_match_rate:g}'
    )
    if done.num_verified:
        print(
            f'features of {done.num_verified} images verified with the model'
        )
    else:
        print(
            'warning: the images do not exist here, so only the dimensions '
            'of the features were compared with the model'
        )
    if found.warning:
        print(f'warning: {found.warning}')
    if done.replaced is not None:
        print(f'replaces a threshold of {done.replaced:.4f}')
    print(f'written to {done.path}')


if __name__ == '__main__':
    from mmcion.utils.cli import run_tool

    run_tool(main)
