import importlib.metadata
import warnings

import numpy as np
import pytest
import torch

from mmcion.utils.checks import MissingPackageError
from mmcion.utils.compat import check_engine, quiet_known_warnings


def with_versions(monkeypatch, **versions):
    def version(name):
        try:
            return versions[name.replace('-', '_')]
        except KeyError:
            raise importlib.metadata.PackageNotFoundError(name) from None

    monkeypatch.setattr(importlib.metadata, 'version', version)


def test_installed_engine_is_accepted():
    check_engine()


def test_two_engines_are_refused(monkeypatch):
    with_versions(monkeypatch, mmengine='0.10.7', onedl_mmengine='0.11.0')
    with pytest.raises(
        MissingPackageError, match=r'0\.11\.0 and mmengine 0\.10\.7'
    ):
        check_engine()


@pytest.mark.parametrize('name', ['mmengine', 'onedl_mmengine'])
def test_old_engine(monkeypatch, name):
    with_versions(monkeypatch, **{name: '0.9.1'})
    with pytest.raises(MissingPackageError, match=r'0\.9\.1\. .*run: pip'):
        check_engine()
    with_versions(monkeypatch, **{name: '1.0.0rc1'})
    check_engine()


def test_engine_is_missing(monkeypatch):
    with_versions(monkeypatch)
    check_engine()  # importable without pip knowing it
    monkeypatch.setattr('importlib.util.find_spec', lambda name: None)
    with pytest.raises(MissingPackageError, match='found none.*run: pip'):
        check_engine()


def test_only_known_warnings_are_silenced():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        quiet_known_warnings()
        warnings.warn(
            'Fail to import ``MultiScaleDeformableAttention``', stacklevel=1
        )
        array = np.ones(1)
        array.flags.writeable = False
        torch.from_numpy(array)
        warnings.warn('something else', stacklevel=1)
    assert [str(warning.message) for warning in caught] == ['something else']
