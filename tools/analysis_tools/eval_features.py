"""Evaluate a file of labelled features, without a model."""

import argparse
import sys
from pathlib import Path

EXAMPLE = """examples:
  python tools/analysis_tools/eval_features.py features.npz
  python tools/analysis_tools/eval_features.py features.npz --rerank k1=20 \\
      --qe k=5 alpha=3 --out scores.json --show-dir report
  python tools/analysis_tools/eval_features.py sysu.npz \\
      --protocol type=SYSUMM01Protocol mode=indoor shots=10

tools/test.py --dump-features writes such files.
"""


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    from mmcion.utils.cli import add_dict_option, tool_parser
    from mmcion.utils.retrieval_cli import add_retrieval_options

    parser = tool_parser(__doc__, EXAMPLE)
    parser.add_argument('features', help='.npz file')
    add_dict_option(
        parser,
        '--protocol',
        help='type=MarketProtocol (default), CUHK03Protocol or '
        'SYSUMM01Protocol, and its options',
    )
    parser.add_argument(
        '--no-cameras',
        action='store_true',
        help='do not ignore gallery images of the camera of the query',
    )
    parser.add_argument(
        '--tracklets',
        action='store_true',
        help='rank tracklets by the mean of the features of their images',
    )
    parser.add_argument(
        '--both-directions',
        action='store_true',
        help='also rank the queries for the gallery images',
    )
    parser.add_argument('--distance', choices=['cosine', 'euclidean'])
    parser.add_argument(
        '--ranks', nargs='+', type=int, help='ranks of CMC (default: 1 5 10)'
    )
    add_retrieval_options(parser)
    return parser.parse_args()


def main() -> None:
    """Evaluate and write the outputs."""
    args = parse_args()
    from mmcion.evaluation import EvaluationOptions, evaluate_features
    from mmcion.structures import ReIDFeatures
    from mmcion.utils.checks import name_in_errors
    from mmcion.utils.io import write_json
    from mmcion.utils.retrieval_cli import check_outputs, retrieval_options
    from mmcion.utils.score_table import describe_options, score_table
    from mmcion.visualization import write_retrieval_report

    check_outputs(out=args.out, show_dir=args.show_dir)
    given = {
        'protocol': args.protocol,
        'camera_aware': not args.no_cameras,
        'average_tracklets': args.tracklets,
        'both_directions': args.both_directions,
        'distance': args.distance,
        'ranks': args.ranks,
        'keep_nearest': 10 if args.show_dir else None,
        **retrieval_options(args),
    }
    options = EvaluationOptions(
        **{name: value for name, value in given.items() if value is not None}
    )
    features = ReIDFeatures.load(args.features)
    with name_in_errors(args.features):
        result = evaluate_features(features, options)
    print(score_table({Path(args.features).stem: result.scores}))
    print(f'scored with {describe_options(result.options)}')
    if args.out:
        write_json(args.out, {**result.scores, 'options': result.options})
    if args.show_dir:
        page = write_retrieval_report(
            args.show_dir,
            result,
            title=f'Features of {Path(args.features).name}',
            settings={'features': args.features, **result.options},
            command=' '.join(sys.argv),
        )
        print(f'Report: {page.resolve()}')


if __name__ == '__main__':
    from mmcion.utils.cli import run_tool

    run_tool(main)
