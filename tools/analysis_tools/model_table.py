"""Write docs/model_zoo.md: sizes as built, results as published."""

import argparse
import csv
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]

EXAMPLE = """examples:
  python tools/analysis_tools/model_table.py
  python tools/analysis_tools/model_table.py vit_small swin_tiny --out two.md
"""
RESULTS = ROOT / 'configs' / 'cion' / 'published_results.csv'
PAGE = """# Models

The 32 architectures of ReIDZoo, their recipes of pre-training, and what their
authors published for them. Written by `python
tools/analysis_tools/model_table.py`; do not edit.

Parameters and d (dimensions of the feature) are those of the backbone as it is
built here. FLOPs are multiply-adds of one image of 256 x 128 (height x width),
of convolutions and matrix products. A name leads to its recipe of
pre-training in `configs/cion/`.

Results are mAP / Rank-1 in percent **as ReIDZoo published them**
(`assets/performance.jpg` of
[CION_ReIDZoo](https://github.com/Zplusdragon/CION_ReIDZoo)), fine-tuned by
TransReID at 256 x 128; none was reproduced here.

{models}

The same for ResNets fine-tuned by MGN at 384 x 128:

{mgn}

Licence of the published weights: {license} {obtain}
This repository holds none of them.
{others}"""
# a page of its own, because nothing of it is computed
OTHERS = RESULTS.with_name('other_weights.md')


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    from mmcion.utils.cli import tool_parser

    parser = tool_parser(__doc__, EXAMPLE)
    parser.add_argument(
        'arch', nargs='*', help='such as resnet50_ibn (default: all 32)'
    )
    parser.add_argument(
        '--out',
        default=str(ROOT / 'docs' / 'model_zoo.md'),
        help='page to write (default: docs/model_zoo.md)',
    )
    return parser.parse_args()


def published(method: str) -> dict[str, list[str]]:
    """Return the results on Market-1501 and MSMT17 by architecture."""
    with open(RESULTS, newline='') as stream:
        return {
            row['arch']: [
                f'{row[f"{data}_map"]} / {row[f"{data}_rank1"]}'
                for data in ('market1501', 'msmt17')
            ]
            for row in csv.DictReader(stream)
            if row['method'] == method
        }


def model_row(entry: Any, results: list[str]) -> list[str]:
    """Return the cells of a model of the index."""
    from get_flops import count  # beside this file

    from mmcion.models import build_backbone

    parameters, flops, dims = count(
        build_backbone(entry.arch), *entry.input_size
    )
    return [
        f'[{entry.arch}](../{entry.config})',
        f'{parameters / 1e6:.3f}',
        f'{flops / 1e9:.3f}',
        str(dims),
        *results,
    ]


def markdown(header: list[str], rows: list[list[str]]) -> str:
    """Return a table."""
    lines = [header, ['---'] * len(header), *rows]
    return '\n'.join(f'| {" | ".join(line)} |' for line in lines)


def main() -> None:
    """Count and write."""
    args = parse_args()
    from mmcion.apis.zoo_index import read_index
    from mmcion.models import get_architecture
    from mmcion.utils.cli import check_out_file
    from mmcion.utils.io import atomic_file

    check_out_file(args.out, '.md')
    wanted = {get_architecture(name).name for name in args.arch}
    entries = [
        entry
        for entry in read_index().values()
        if not wanted or entry.arch in wanted
    ]
    results, mgn = published('TransReID-256x128'), published('MGN-384x128')
    data = ['Market-1501', 'MSMT17']
    page = PAGE.format(
        models=markdown(
            ['architecture', 'parameters (M)', 'FLOPs (G)', 'd', *data],
            [model_row(entry, results[entry.arch]) for entry in entries],
        ),
        mgn=markdown(
            ['architecture', *data],
            # published for ResNets alone
            [[e.arch, *mgn[e.arch]] for e in entries if e.arch in mgn],
        ),
        license=entries[0].license,
        obtain=entries[0].obtain,
        others=OTHERS.read_text(),
    )
    with atomic_file(args.out) as temporary:
        temporary.write_text(page, encoding='utf-8')
    print(f'{args.out}: {len(entries)} models')


if __name__ == '__main__':
    from mmcion.utils.cli import run_tool

    run_tool(main)
