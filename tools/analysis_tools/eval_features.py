"""Score a file of labelled features, without a model."""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

EXAMPLE = """examples:
  python tools/analysis_tools/eval_features.py features.npz
  python tools/analysis_tools/eval_features.py features.npz --rerank \\
      --qe 5,3 --out scores.json --show-dir report
  python tools/analysis_tools/eval_features.py sysu.npz \\
      --protocol SYSUMM01Protocol mode=indoor shots=10

tools/test.py --dump-features writes such files.
"""


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    from mmcion.utils.cli import tool_parser
    from mmcion.utils.retrieval_cli import add_retrieval_options

    parser = tool_parser(__doc__, EXAMPLE)
    parser.add_argument('features', help='.npz file')
    parser.add_argument(
        '--protocol',
        nargs='+',
        default=['MarketProtocol'],
        metavar='NAME [KEY=VALUE ...]',
        help='MarketProtocol, CUHK03Protocol or SYSUMM01Protocol, and its '
        'options',
    )
    parser.add_argument(
        '--no-cameras',
        action='store_true',
        help='let images of the same person and camera count',
    )
    parser.add_argument(
        '--tracklets',
        action='store_true',
        help='rank tracklets by the means of their images',
    )
    parser.add_argument(
        '--both-directions',
        action='store_true',
        help='let the gallery ask the queries, too',
    )
    parser.add_argument('--distance', choices=['cosine', 'euclidean'])
    parser.add_argument('--ties', choices=['mean', 'pessimistic'])
    parser.add_argument(
        '--ranks', nargs='+', type=int, help='places of CMC (default: 1 5 10)'
    )
    add_retrieval_options(parser)
    return parser.parse_args()


def main() -> None:
    """Score."""
    args = parse_args()
    from mmcion.evaluation import EvaluationOptions, evaluate_features
    from mmcion.structures import ReIDFeatures
    from mmcion.utils.io import write_json
    from mmcion.utils.retrieval_cli import parse_named, retrieval_settings
    from mmcion.utils.score_table import score_table
    from mmcion.visualization import write_retrieval_report

    given = {
        'protocol': parse_named(args.protocol),
        'camera_aware': not args.no_cameras,
        'average_tracklets': args.tracklets,
        'both_directions': args.both_directions,
        'distance': args.distance,
        'ties': args.ties,
        'ranks': args.ranks,
        **retrieval_settings(args),
    }
    options = EvaluationOptions(
        **{name: value for name, value in given.items() if value is not None}
    )
    features = ReIDFeatures.load(args.features)
    result = evaluate_features(features, options)
    print(score_table({Path(args.features).stem: result.scores}))
    if args.out:
        write_json(args.out, result.scores)
    if args.show_dir:
        page = write_retrieval_report(
            args.show_dir,
            result,
            title=f'Features of {Path(args.features).name}',
            settings={'features': args.features, **vars(options)},
            command=' '.join(sys.argv),
        )
        print(f'Report: {page.resolve()}')


if __name__ == '__main__':
    from mmcion.utils.cli import run_tool

    run_tool(main)
