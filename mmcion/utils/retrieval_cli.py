"""Command-line options of the tools that rank features."""

from __future__ import annotations

import argparse
import ast
import os
from pathlib import Path
from typing import Any


def add_retrieval_options(parser: argparse.ArgumentParser) -> None:
    """Add re-ranking, query expansion, and where results go."""
    parser.add_argument('--out', metavar='JSON', help='write the scores here')
    parser.add_argument(
        '--show-dir',
        metavar='DIR',
        help='write report.html and its pictures here',
    )
    parser.add_argument(
        '--rerank',
        nargs='?',
        const='',
        metavar='K1,K2,LAMBDA[,VARIANT]',
        help='re-rank by shared neighbours (default: 20,6,0.3,zhong); the '
        'other variant is faiss',
    )
    parser.add_argument(
        '--qe',
        metavar='K[,ALPHA]',
        help='average queries with their K nearest images; with ALPHA, by '
        'weights of cosine ** ALPHA',
    )
    parser.add_argument(
        '--fpr',
        nargs='+',
        type=float,
        metavar='RATE',
        help='report TPR@FPR at these false positive rates',
    )


def retrieval_settings(args: argparse.Namespace) -> dict[str, Any]:
    """Return the options of ``EvaluationOptions`` that were given.

    Raises:
        ValueError: if ``--rerank`` or ``--qe`` cannot be read.
    """
    settings: dict[str, Any] = {}
    if args.rerank is not None:
        settings['rerank'] = parse_rerank(args.rerank)
    if args.qe is not None:
        settings['query_expansion'] = parse_expansion(args.qe)
    if args.fpr:
        settings['fprs'] = tuple(args.fpr)
    if args.show_dir:
        settings['keep_nearest'] = 10
    return settings


def check_outputs(**paths: str | None) -> None:
    """Look whether outputs can be written, before the long part.

    Args:
        paths: by option; ``show_dir`` is a folder, the others are files.

    Raises:
        ValueError: names the option.
    """
    for name, text in paths.items():
        if text is None:
            continue
        option, path = f'--{name.replace("_", "-")}', Path(text)
        if path.exists() and path.is_dir() != (name == 'show_dir'):
            kind = 'a folder' if path.is_dir() else 'a file'
            raise ValueError(f'{option} {path} is {kind}; name another path.')
        parent = path
        while not parent.exists():
            parent = parent.parent
        if not os.access(parent, os.W_OK):
            raise ValueError(f'{option} {path} cannot be written: no right.')


def parse_rerank(text: str) -> dict[str, Any]:
    """Read ``20,6,0.3,faiss``; what is left out keeps its default.

    Raises:
        ValueError: if it is of another form.
    """
    parts = [part.strip() for part in text.split(',') if part.strip()]
    options: dict[str, Any] = {}
    if parts and parts[-1].isalpha():
        options['variant'] = parts.pop()
    names = ('k1', 'k2', 'lambda_value')
    try:
        for name, kind, part in zip(
            names[: len(parts)], (int, int, float), parts, strict=False
        ):
            options[name] = kind(part)
        if len(parts) > len(names):
            raise ValueError
    except ValueError:
        raise ValueError(
            f'--rerank takes K1,K2,LAMBDA and zhong or faiss, such as '
            f'20,6,0.3,zhong; got {text!r}. If that is another argument, '
            f'put it before --rerank.'
        ) from None
    return options


def parse_expansion(text: str) -> dict[str, Any]:
    """Read ``5`` (plain average) or ``5,3`` (alpha 3).

    Raises:
        ValueError: if it is of another form.
    """
    k, comma, alpha = text.partition(',')
    try:
        return {'k': int(k), 'alpha': float(alpha) if comma else 0.0}
    except ValueError:
        raise ValueError(
            f'--qe takes K or K,ALPHA, such as 5 or 5,3; got {text!r}.'
        ) from None


def parse_named(words: list[str]) -> dict[str, Any]:
    """Read a component and its options, as ``Name key=1 other=text``.

    Raises:
        ValueError: if an option is of another form.
    """
    component: dict[str, Any] = {'type': words[0]}
    for word in words[1:]:
        key, equals, value = word.partition('=')
        if not equals or not key.isidentifier():
            raise ValueError(
                f'options of {words[0]} are KEY=VALUE, such as shots=10; '
                f'got {word!r}.'
            )
        try:
            component[key] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            component[key] = value
    return component
