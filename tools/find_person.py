"""Find where and when the person of a crop appears."""

import argparse
from typing import Any

EXAMPLE = """examples:
  python tools/find_person.py person.jpg --identities work_dirs/identities
  python tools/find_person.py a.jpg b.jpg --identities work_dirs/identities \\
      --topk 3 --out found.html

Prints the nearest identities of each crop, their distances (1 - cosine),
whether they are near (not above sigma), and the videos and times in which
they are seen. Table and features are those that the identities were made of,
and the crop gets its feature from the same extractor, unless others are given.
"""


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    from mmcion.utils.cli import add_cfg_options, tool_parser

    parser = tool_parser(__doc__, EXAMPLE)
    parser.add_argument('crops', nargs='+', help='image files of people')
    parser.add_argument(
        '--identities', required=True, help='out folder of tools/denoise.py'
    )
    parser.add_argument('--table', help='folder of its TrackletTable')
    parser.add_argument('--features', help='folder of its features')
    parser.add_argument(
        '--config', help='config that the features were extracted with'
    )
    parser.add_argument(
        '--checkpoint', help='checkpoint that they were extracted with'
    )
    add_cfg_options(parser)
    parser.add_argument(
        '--topk',
        type=int,
        default=5,
        help='identities per crop (default: %(default)s)',
    )
    parser.add_argument(
        '--out', metavar='FILE', help='also write them: .html or .json'
    )
    return parser.parse_args()


def open_model(args: argparse.Namespace) -> Any:
    """Return the model of --config; None without one."""
    from mmcion.models.weights import use_checkpoint
    from mmcion.registry import MODELS
    from mmcion.utils.cli import read_config

    if args.config is None:
        return None
    cfg = read_config(args.config, args.cfg_options)
    if args.checkpoint:
        use_checkpoint(cfg, args.checkpoint)
    model = MODELS.build(cfg.model)
    model.cfg = cfg  # which has its transforms
    return model


def print_answer(answer: dict[str, Any]) -> None:
    """Print the identities nearest to a crop, with their appearances."""
    from mmcion.visualization.text import clock

    threshold = answer['threshold']
    limit = '' if threshold is None else f' (near: up to {threshold:.3f})'
    print(f'{answer["query"]}{limit}')
    for match in answer['matches']:
        near = '  near' if match['near'] else ''
        print(
            f'  identity {match["identity"]:<6} distance '
            f'{match["distance"]:.3f}{near}'
        )
        for each in match['appearances']:
            times = ''
            if each['start_seconds'] is not None:
                start, end = each['start_seconds'], each['end_seconds']
                times = f'{clock(start)} to {clock(end)}, '
            print(
                f'    {each["video"]}: {times}frames {each["first_frame"]} '
                f'to {each["last_frame"]}, {each["images"]} images'
            )


def main() -> None:
    """Search."""
    args = parse_args()
    from mmengine.registry import init_default_scope

    from mmcion.apis.person_finder import PersonFinder
    from mmcion.utils.cli import check_out_file
    from mmcion.utils.io import write_json

    check_out_file(args.out, '.html', '.json')
    init_default_scope('mmcion')
    finder = PersonFinder(
        args.identities,
        table=args.table,
        features=args.features,
        checkpoint=None if args.config else args.checkpoint,
        model=open_model(args),
    )
    answers = finder(args.crops, args.topk)
    for answer in answers:
        print_answer(answer)
    if finder.note:
        print(finder.note)
    if args.out and args.out.endswith('.json'):
        write_json(args.out, answers)
    elif args.out:
        finder.write_page(args.out, answers)
    if args.out:
        print(f'written to {args.out}')


if __name__ == '__main__':
    from mmcion.utils.cli import run_tool

    run_tool(main)
