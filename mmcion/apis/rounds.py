"""Rounds: a network labels the images that the next training learns from.

Features of the network that was just trained tell people apart better than
those it started from, as a rule; where they do not, the rounds end. Ours: the
paper trains once.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.logging import print_log

from mmcion.evaluation import identity_metrics
from mmcion.structures import IdentityLabels, TrackletTable
from mmcion.utils.chain import Step
from mmcion.utils.checks import UserError, check_at_least, check_interval
from mmcion.utils.cli import add_cfg_options, read_config
from mmcion.utils.io import read_json, write_json
from mmcion.visualization import IdentityCounts

from .round_evidence import Evidence, decide_round, link_changes

ROUNDS = 'rounds.json'
_SCORES = 'pairwise_precision', 'pairwise_recall', 'pairwise_f1', 'ari'


@dataclass
class RoundSettings:
    """What every round does.

    Attributes:
        table: Folder of a TrackletTable.
        work_dir: Folder of all output.
        config: Config of the pre-training.
        denoise: Config of the denoising.
        tools: Folder of the commands.
        max_rounds: Most rounds.
        features: Features that the first round starts from; None extracts
            those of ``tools/extract_features.py``.
        train_options: ``KEY=VALUE`` of ``tools/train.py --cfg-options``.
        seed: Seed of every training; that of the config if None.
        min_ari: The rounds end when the identities of two of them agree as
            well as this, see ``compare_identities``.
        tolerance: See ``decide_round``.
    """

    table: Path
    work_dir: Path
    config: str
    denoise: str
    tools: Path = Path('tools')
    max_rounds: int = 1
    features: Path | None = None
    train_options: list[str] = field(default_factory=list)
    seed: int | None = None
    min_ari: float = 0.98
    tolerance: float = 0.01

    def __post_init__(self) -> None:
        check_at_least(1, max_rounds=self.max_rounds)
        check_interval('(0, 1]', min_ari=self.min_ari)
        check_interval('[0, 1)', tolerance=self.tolerance)

    def training_config(self) -> Config:
        """Return the config of the pre-training with its options."""
        parser = argparse.ArgumentParser()
        add_cfg_options(parser)
        words = ['--cfg-options', *self.train_options]
        options = parser.parse_args(words if self.train_options else [])
        cfg = read_config(self.config, options.cfg_options)
        # known before hours of extraction
        if not {'model', 'train_dataloader'} <= cfg.keys():
            raise UserError(
                f'{self.config} is not a config of pre-training; those are in '
                f'configs/cion.'
            )
        return cfg


@dataclass
class Round:
    """What a round has found; an entry of ``rounds.json``.

    Attributes:
        number: From 1.
        images: Images that have an identity.
        kept: Fraction of the images that have one.
        identities: Number of identities.
        identities_in_several_videos: Number of those of several videos.
        links: See ``Evidence``.
        self_check: See ``Evidence``.
        ari: Agreement with the identities of the round before.
        in_both: Fraction of images that have an identity in both.
        scores: Scores of the identities, if the truth is known.
        counted: Whether the round counts, see ``decide_round``.
        why: Why it counts, or does not.
        paths: Folders ``features`` and ``identities`` and file ``weights``,
            relative to the work dir if they are in it; None before the
            training, or where there was none.
    """

    number: int
    images: int = 0
    kept: float = 0.0
    identities: int = 0
    identities_in_several_videos: int = 0
    links: int | None = None
    self_check: dict[str, Any] | None = None
    ari: float | None = None
    in_both: float | None = None
    scores: dict[str, float] | None = None
    counted: bool = False
    why: str = ''
    paths: dict[str, str | None] = field(default_factory=dict)


class Rounds:
    """Extract features, denoise, pre-train; and again with the new network.

    The first round writes to ``features``, ``identities`` and ``cion`` of the
    work dir, round k to those of ``round_<k>``. Features are those of the
    teacher's backbone, which ``tools/test.py`` evaluates, of images as large
    as the global views. A training starts from the backbone of the round
    before.

    The rounds end after ``max_rounds``; when a round does not count, see
    ``decide_round``, and then the round before is the result; or when
    identities no longer change: then nothing is left to train.
    ``rounds.json`` has all rounds, the result, and why they ended.

    Args:
        settings: What every round does.
        true: ``(N,)`` true identities, if they are known; they decide
            nothing.
    """

    def __init__(
        self, settings: RoundSettings, true: np.ndarray | None = None
    ) -> None:
        self.settings = settings
        self.true = true
        self.cfg = settings.training_config()
        self.rounds: list[Round] = []
        self.weights: Path | None = None  # of the last training
        self.ended = ''
        # of the round before
        self._evidence: Evidence | None = None
        self._labels: IdentityLabels | None = None

    @property
    def result(self) -> dict[str, Any]:
        """Number of the last round that counts, its identities and weights.

        Weights are those of the last training.
        """
        last = [each for each in self.rounds if each.counted][-1]
        return {
            'round': last.number,
            'identities': last.paths['identities'],
            'weights': self.weights and self._relative(self.weights),
        }

    def steps(self) -> Iterator[Step]:
        """Yield the steps; each sees what those before it have written."""
        for number in range(1, self.settings.max_rounds + 1):
            yield from self._label(number)
            if self.ended:
                return
            yield self._training(number)
            note = self._path(number, 'cion') / 'last_checkpoint'
            self.weights = note.with_name(Path(note.read_text().strip()).name)
            self.rounds[-1].paths['weights'] = self._relative(self.weights)
            self._write()
        self.ended = f'Round {number} was the last one wanted.'
        self._write()

    def _label(self, number: int) -> Iterator[Step]:
        """Yield the steps from a network to identities; read these."""
        settings = self.settings
        suffix = f'_{number}' if number > 1 else ''
        features = self._path(number, 'features')
        if number == 1 and settings.features is not None:
            features = settings.features
        else:
            command: list[Any] = [settings.tools / 'extract_features.py']
            command += [settings.table, '--out', features]
            if self.weights is not None:
                command += ['--checkpoint', self.weights]
                # those of the config, which has been run before
                if 'custom_imports' in self.cfg:
                    command.append('--custom-imports')
            yield Step(f'features{suffix}', command, features)
        identities = self._path(number, 'identities')
        yield Step(
            f'identities{suffix}',
            [settings.tools / 'denoise.py', settings.denoise]
            + ['--table', settings.table, '--features', features]
            + ['--out', identities],
            identities,
            # some features tell nobody apart, and give no thresholds
            f'Without identities, round {number} does not count.'
            if number > 1
            else '',
        )
        self._add_round(number, features, identities)

    def _training(self, number: int) -> Step:
        """Return the step that trains on the identities of a round."""
        assert self._evidence is not None, 'identities come before'
        settings, cion = self.settings, self._path(number, 'cion')
        command: list[Any] = [settings.tools / 'train.py', settings.config]
        command += ['--data', self._path(number, 'identities')]
        # a killed training continues from its last checkpoint
        command += ['--work-dir', cion, '--resume']
        if settings.seed is not None:
            command += ['--seed', settings.seed]
        # of two options with one name the second counts
        options = list(settings.train_options)
        loader = self.cfg.train_dataloader
        batch = batch_size(loader, self._evidence.identities)
        if batch != loader.batch_size:
            options.append(f'train_dataloader.batch_size={batch}')
        if self.weights is not None:
            options.append(f'model.backbone_checkpoint={self.weights}')
            if self.cfg.get('load_from'):
                options.append('load_from=None')
        if options:
            command += ['--cfg-options', *options]
        suffix = f'_{number}' if number > 1 else ''
        return Step(f'pretraining{suffix}', command, cion)

    def _path(self, number: int, name: str) -> Path:
        """Return an output folder of a round."""
        folder = self.settings.work_dir
        return (folder / f'round_{number}' if number > 1 else folder) / name

    def _add_round(
        self, number: int, features: Path, identities: Path
    ) -> None:
        """Read the identities of a round, and decide whether it counts."""
        table = TrackletTable.load(self.settings.table)
        this = Round(
            number,
            paths={
                'features': self._relative(features),
                'identities': self._relative(identities),
                'weights': None,
            },
        )
        # the annotation is there if the denoising went well
        if number > 1 and not (identities / 'annotation').exists():
            this.why = 'its features gave no identities'
        else:
            self._read_identities(this, table, identities)
        self.rounds.append(this)
        if not this.counted:
            self.ended = (
                f'Round {number} does not count: {this.why}. The result is '
                f'that of round {number - 1}.'
            )
        elif this.ari is not None and this.ari >= self.settings.min_ari:
            self.ended = (
                f'Round {number} has the identities of round {number - 1} '
                f'(ARI {this.ari:.3f}): there is nothing new to learn.'
            )
        else:
            print_log(
                f'round {number}: {this.images} images, {this.identities} '
                f'identities; it counts ({this.why})',
                logger='current',
            )
        self._write()

    def _read_identities(
        self, this: Round, table: TrackletTable, folder: Path
    ) -> None:
        """Fill in what the identities in a folder say."""
        labels = IdentityLabels.load(folder / 'identity.npy')
        report = read_json(folder / 'report.json', {'levels': list})
        evidence = Evidence.from_labels(table, labels, report)
        this.images = int(labels.keep.sum())
        this.kept = this.images / len(table)
        this.identities = labels.num_identities
        this.identities_in_several_videos = IdentityCounts.from_labels(
            table, labels
        ).num_several
        this.links = evidence.links
        this.self_check = report.get('self_check')
        if self.true is not None:
            scores = identity_metrics(self.true, labels.identity)
            this.scores = {name: scores[name] for name in _SCORES}
        changes = np.zeros(0, np.int64)
        if self._labels is not None:
            this.ari, this.in_both = compare_identities(self._labels, labels)
            changes = link_changes(table, self._labels, labels)
        this.counted, this.why = decide_round(
            self._evidence, evidence, changes, self.settings.tolerance
        )
        self._evidence, self._labels = evidence, labels

    def report(self) -> dict[str, Any]:
        """Return the content of ``rounds.json``.

        It has no times, so that every run of the same writes the same.
        """
        return {
            'rounds': [asdict(each) for each in self.rounds],
            'result': self.result,
            'ended': self.ended,
            'max_rounds': self.settings.max_rounds,
            'min_ari': self.settings.min_ari,
            'tolerance': self.settings.tolerance,
        }

    def _relative(self, path: Path) -> str:
        """Return a path below the work dir relative to it, others whole."""
        work_dir = self.settings.work_dir
        if path.is_relative_to(work_dir):
            return str(path.relative_to(work_dir))
        return str(path.resolve())

    def _write(self) -> None:
        if self.ended:
            print_log(self.ended, logger='current')
        write_json(self.settings.work_dir / ROUNDS, self.report())


def compare_identities(
    first: IdentityLabels, second: IdentityLabels
) -> tuple[float, float]:
    """Return how well two labellings of the same rows agree.

    Returns:
        The adjusted Rand index of the rows that have an identity in both: an
        unassigned row neither agrees nor disagrees. And the fraction of all
        rows that they are; both are 0 if there are none.
    """
    from sklearn.metrics import adjusted_rand_score  # takes a second

    both = first.keep & second.keep  # (N,)
    if not both.any():
        return 0.0, 0.0
    ari = adjusted_rand_score(first.identity[both], second.identity[both])
    return float(ari), float(both.mean())


def batch_size(loader: Mapping[str, Any], found: int) -> int:
    """Return the batch size that ``found`` identities allow.

    Args:
        loader: ``train_dataloader`` of the config; a batch has K images of
            each of its identities.
        found: Number of identities to train on.
    """
    if found < 2:
        raise UserError(
            f'{found} identity is too few to learn from: give a longer '
            f'video, or one with more people.'
        )
    num_instances = loader['batch_sampler'].get('num_instances')
    if num_instances is None:  # a hook changes K
        return loader['batch_size']
    return min(loader['batch_size'], found * num_instances)
