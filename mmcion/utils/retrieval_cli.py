"""Command-line options of the tools that evaluate features."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from .checks import UserError
from .cli import add_dict_option, check_out_file


def add_retrieval_options(parser: argparse.ArgumentParser) -> None:
    """Add outputs, re-ranking, query expansion and TPR@FPR."""
    parser.add_argument('--out', metavar='JSON', help='file for the scores')
    parser.add_argument(
        '--show-dir',
        metavar='DIR',
        help='folder for report.html and its figures',
    )
    add_dict_option(
        parser,
        '--rerank',
        nargs='*',
        help='re-rank by k-reciprocal neighbours, e.g. k1=20 k2=6 '
        'lambda_value=0.3 variant=zhong (these are the defaults; the other '
        'variant is faiss)',
    )
    add_dict_option(
        parser,
        '--qe',
        help='query expansion with the k nearest images, weighted by '
        'cosine ** alpha, e.g. k=5 alpha=3; alpha=0 for the plain average',
    )
    parser.add_argument(
        '--fpr',
        nargs='+',
        type=float,
        metavar='RATE',
        help='report TPR@FPR at these false positive rates',
    )


def retrieval_options(args: argparse.Namespace) -> dict[str, Any]:
    """Return the fields of ``EvaluationOptions`` that were given."""
    given = {'rerank': args.rerank, 'query_expansion': args.qe}
    if args.fpr:
        given['fprs'] = tuple(args.fpr)
    return {name: value for name, value in given.items() if value is not None}


def check_outputs(**paths: str | None) -> None:
    """Raise ``UserError`` before the long part if an output cannot be written.

    Of the options, ``show_dir`` is a folder, the others are files.
    """
    for name, path in paths.items():
        if path is None:
            continue
        given, place = f'--{name.replace("_", "-")} {path}', Path(path)
        while not place.exists():
            place = place.parent
        if place == Path(path) and place.is_dir() != (name == 'show_dir'):
            kind = 'a folder' if place.is_dir() else 'a file'
            raise UserError(f'{given} is {kind}; use another path.')
        if not os.access(place, os.W_OK):
            raise UserError(f'{given}: no permission to write.')
    check_out_file(paths.get('out'), '.json')
