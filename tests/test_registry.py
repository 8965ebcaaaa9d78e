import mmengine.registry
import mmpretrain.registry
import pytest

from mmcion import registry

from .tool_utils import run_tool

ROOTS = {
    *('BATCH_AUGMENTS', 'DENOISERS', 'DETECTORS', 'PROTOCOLS'),
    *('TOKENIZER', 'TRACKERS'),
}
OURS = sorted(name for name in vars(registry) if name.isupper())
FOUND_BY_NAME = """
from mmcion import registry
for name, component in {
    'DATASETS': 'IdentityDataset',
    'DATA_SAMPLERS': 'IdentitySampler',
    'DENOISERS': 'SingleTrackletDenoiser',
    'DETECTORS': 'HOGDetector',
    'FUNCTIONS': 'collate_views',
    'HOOKS': 'TeacherUpdateHook',
    'METRICS': 'ReIDMetric',
    'MODELS': 'CION',
    'OPTIM_WRAPPERS': 'Bf16OptimWrapper',
    'OPTIM_WRAPPER_CONSTRUCTORS': 'DecayGroupsConstructor',
    'PARAM_SCHEDULERS': 'WarmupCosineLR',
    'PROTOCOLS': 'MarketProtocol',
    'TRACKERS': 'GivenIds',
    'TRANSFORMS': 'MultiCrop',
}.items():
    print(name, getattr(registry, name).get(component).__name__)
"""


def test_components_are_found_without_importing_them(tmp_path):
    script = tmp_path / 'script.py'
    script.write_text(FOUND_BY_NAME)
    done = run_tool(script, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = [line.split()[0] for line in done.stdout.splitlines()]
    assert set(found) < set(OURS)


@pytest.mark.parametrize('name', OURS)
def test_child_of_mmengine_or_root(name):
    own = getattr(registry, name)
    assert own.scope == 'mmcion'
    if name in ROOTS:
        assert own.parent is None
    else:
        parent = name.replace('EVALUATORS', 'EVALUATOR')
        assert own.parent is getattr(mmengine.registry, parent)


# what RUNNERS build has no type
@pytest.mark.parametrize('name', sorted({*OURS} - {'RUNNERS'}))
def test_unknown_component_is_named(name):
    with pytest.raises(KeyError, match='NoSuchThing'):
        getattr(registry, name).build({'type': 'NoSuchThing'})


def test_other_packages_are_reached_by_prefix():
    assert registry.MODELS.get('mmpretrain.TIMMBackbone') is not None


def test_all_registries_of_mmpretrain_are_there():
    theirs = {n for n in vars(mmpretrain.registry) if n.isupper()}
    theirs = {n for n in theirs if not n.startswith('MMENGINE')}
    assert theirs <= set(OURS)


def test_a_run_finds_all_its_registries(full_run):
    (log,) = full_run.rglob('*.log')
    assert 'Failed to search registry' not in log.read_text()
