"""Facts of a denoising, as its report.json has them.

A denoiser from outside may record less than ours: what is missing is None or
empty, and the page leaves it out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from numbers import Real
from typing import Any, TypeVar

T = TypeVar('T')


@dataclass(frozen=True)
class NoiseRates:
    """Ratios of images and of identities that are noise, and CION's n_S."""

    intra: float | None = None
    inter: float | None = None
    n_s: float | None = None
    n_s_error: float | None = None


@dataclass(frozen=True)
class DoubtfulLink:
    """Two joined identities of different videos, each by some of its rows."""

    distance: float
    delta: float | None = None  # threshold that the distance was below
    first: list[int] = field(default_factory=list)
    second: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class LevelFacts:
    """Result of a level, with the noise before and after it."""

    name: str  # class of the level without "Denoiser"
    images: int | None = None  # those that have an identity
    identities: int | None = None
    identities_in_several_videos: int | None = None
    seconds: float | None = None
    before: NoiseRates = NoiseRates()
    after: NoiseRates = NoiseRates()
    # whatever else it counted; accepted links of largest distance
    counts: dict[str, float] = field(default_factory=dict)
    doubtful_links: list[DoubtfulLink] = field(default_factory=list)

    @classmethod
    def from_report(cls, level: Mapping[str, Any]) -> LevelFacts:
        """Read an entry of ``levels``."""
        noise = level.get('noise') or {}
        known = {each.name for each in fields(cls)}
        return _read(
            cls,
            level,
            name=str(level.get('name', '?')).removesuffix('Denoiser'),
            before=_read(NoiseRates, noise.get('before')),
            after=_read(NoiseRates, noise.get('after')),
            counts={
                key: value
                for key, value in level.items()
                if key not in known
                and isinstance(value, Real)
                and not isinstance(value, bool)
            },
            doubtful_links=[
                _read(DoubtfulLink, link)
                for link in level.get('doubtful_links') or []
                if link.get('distance') is not None
            ],
        )


@dataclass(frozen=True)
class LinkFacts:
    """Expected rate of false links between videos, by their distance.

    The names are those of ``mmcion.denoising.LinkCalibration``.
    """

    false_discovery_rate: float | None = None
    num_identities: int | None = None
    num_compared: int | None = None
    is_sample: bool = False
    distance: list[float] = field(default_factory=list)
    links: list[float] = field(default_factory=list)
    within: list[float] = field(default_factory=list)
    cross: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class SelfCheckFacts:
    """Counts of ``mmcion.denoising.self_check``."""

    recall: float | None = None
    precision: float | None = None
    cut_tracklets: int = 0
    rejoined: int = 0
    overlapping_pairs: int = 0
    wrongly_joined: int = 0


@dataclass(frozen=True)
class CalibrationFacts:
    """Thresholds and the distances that they were found on.

    The names are those of ``mmcion.denoising.Calibration``.
    """

    sigma: float | None = None
    delta: float | None = None
    link_delta: float | None = None
    tracklet_noise: float | None = None
    false_merge_rate: float | None = None
    links: LinkFacts = LinkFacts()
    bins: list[float] = field(default_factory=list)
    same: list[int] = field(default_factory=list)
    different: list[int] = field(default_factory=list)

    @classmethod
    def from_report(cls, found: Mapping[str, Any] | None) -> CalibrationFacts:
        """Read ``calibration``."""
        links = _read(LinkFacts, (found or {}).get('links'))
        return _read(cls, found, links=links)

    @property
    def has_distances(self) -> bool:
        """Whether there is something to draw."""
        return bool(self.bins) and None not in (self.sigma, self.delta)


@dataclass(frozen=True)
class InputFacts:
    """Fingerprints of table and features, and what extracted these."""

    table: str = ''
    features: str = ''
    extractor: Any = None


@dataclass(frozen=True)
class ExportFacts:
    """What was written for pre-training."""

    images: int | None = None
    identities: int | None = None
    dropped_small_identities: int = 0
    dropped_few_videos: int = 0


@dataclass(frozen=True)
class DenoisingFacts:
    """The report of a denoising."""

    version: str = ''  # of mmcion
    levels: list[LevelFacts] = field(default_factory=list)
    calibration: CalibrationFacts = CalibrationFacts()
    # settings of the levels, as they were run
    stages: list[dict[str, Any]] = field(default_factory=list)
    inputs: InputFacts = InputFacts()
    export: ExportFacts = ExportFacts()
    self_check: SelfCheckFacts = SelfCheckFacts()

    @classmethod
    def from_report(cls, report: Mapping[str, Any]) -> DenoisingFacts:
        """Read ``IdentityLabels.report``."""
        return _read(
            cls,
            report,
            levels=[
                LevelFacts.from_report(level)
                for level in report.get('levels') or []
            ],
            calibration=CalibrationFacts.from_report(
                report.get('calibration')
            ),
            inputs=_read(InputFacts, report.get('inputs')),
            export=_read(ExportFacts, report.get('export')),
            self_check=_read(SelfCheckFacts, report.get('self_check')),
        )


def _read(kind: type[T], values: Mapping[str, Any] | None, **more: Any) -> T:
    """Build a dataclass from those entries that it has as fields."""
    # a null in the JSON file counts as missing
    known = {each.name for each in fields(kind)}  # type: ignore[arg-type]
    given = {k: v for k, v in (values or {}).items() if v is not None}
    return kind(**{k: v for k, v in {**given, **more}.items() if k in known})
