import re

from mmcion.models import build_backbone, get_architecture, list_architectures
from tests.golden import SMALLEST

from ..tool_utils import ROOT, run_tool

PAGE = ROOT / 'docs' / 'model_zoo.md'
ROW = re.compile(
    r'^\| \[(\w+)\]\(\.\./(configs/\S+\.py)\) \| ([\d.]+) \| [\d.]+ \| (\d+) ',
    re.MULTILINE,
)


def test_page_is_in_step_with_the_code():
    rows = ROW.findall(PAGE.read_text())
    assert [row[0] for row in rows] == list_architectures()
    for arch, config, parameters, dims in rows:
        assert (ROOT / config).is_file()
        assert int(dims) == get_architecture(arch).num_features
        if arch in SMALLEST:
            backbone = build_backbone(arch)
            size = sum(p.numel() for p in backbone.parameters()) / 1e6
            assert parameters == f'{size:.3f}'


def test_page_is_what_the_tool_writes(tmp_path):
    archs = ('ghostnet_0_5', 'resnet18-ibn')
    done = run_tool(
        'analysis_tools/model_table.py', *archs, '--out', 'a.md', cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert '2 models' in done.stdout
    page = set(PAGE.read_text().splitlines())
    assert [
        line
        for line in (tmp_path / 'a.md').read_text().splitlines()
        if line not in page
    ] == []


def test_published_results_are_those_of_the_paper():
    text = PAGE.read_text()
    assert '| 93.7 / 96.9 | 72.3 / 88.5 |' in text  # ResNet50-IBN
    assert '| resnet152_ibn | 94.3 / 97.3 | 76.8 / 90.8 |' in text
