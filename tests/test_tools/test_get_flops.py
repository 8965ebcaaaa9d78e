import pytest

from ..tool_utils import ROOT, run_tool

TOOL = 'analysis_tools/get_flops.py'
# parameters (M), FLOPs (G) at 256 x 128 and d; of ReIDZoo's page but for the
# ViTs' parameters, which have a classifier there, and the GhostNets' FLOPs,
# of which it has one digit
PUBLISHED = {
    'ghostnet_0_5': (1.31, 0.027, 1280),
    'ghostnet_1_0': (3.90, 0.092, 1280),
    'ghostnet_1_3': (6.08, 0.149, 1280),
    'edgenext_x_small': (2.14, 0.27, 192),
    'edgenext_small': (5.28, 0.63, 304),
    'edgenext_base': (17.93, 1.92, 584),
    'repvit_m0_9': (4.72, 0.56, 384),
    'repvit_m1_0': (6.40, 0.75, 448),
    'repvit_m1_5': (13.62, 1.54, 512),
    'fastvit_s12': (8.45, 0.93, 1024),
    'fastvit_sa12': (10.56, 1.00, 1024),
    'fastvit_sa24': (20.53, 1.92, 1024),
    'resnet18': (11.18, 2.00, 512),
    'resnet50': (23.51, 4.09, 2048),
    'resnet101': (42.50, 6.54, 2048),
    'resnet152': (58.14, 8.98, 2048),
    'resnet18_ibn': (11.18, 2.00, 512),
    'resnet50_ibn': (23.51, 4.09, 2048),
    'resnet101_ibn': (42.50, 6.54, 2048),
    'resnet152_ibn': (58.14, 8.98, 2048),
    'convnext_tiny': (27.82, 2.92, 768),
    'convnext_small': (49.45, 5.68, 768),
    'convnext_base': (87.57, 10.04, 1024),
    'volo_d1': (25.84, 4.40, 384),
    'volo_d2': (57.62, 9.15, 512),
    'volo_d3': (85.26, 13.26, 512),
    'vit_tiny': (6.23, 1.55, 192),
    'vit_small': (23.00, 3.79, 384),
    'vit_base': (88.39, 12.37, 768),
    'swin_tiny': (27.53, 3.13, 768),
    'swin_small': (48.85, 5.93, 768),
    'swin_base': (86.76, 10.44, 1024),
}
SMALL = ['edgenext_x_small', 'repvit_m0_9', 'resnet18_ibn', 'vit_tiny']


@pytest.mark.parametrize(
    'names',
    [
        pytest.param(SMALL, id='small'),
        pytest.param(list(PUBLISHED), id='all', marks=pytest.mark.slow),
    ],
)
def test_counts_are_the_published_ones(names, tmp_path):
    done = run_tool(TOOL, *names, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()[1:]]
    assert [row[0] for row in rows] == names
    for name, size, parameters, flops, dims in rows:
        assert size == '256x128'
        published = PUBLISHED[name]
        assert float(parameters) == pytest.approx(published[0], abs=0.006)
        assert float(flops) == pytest.approx(published[1], rel=0.05)
        assert int(dims) == published[2]


@pytest.mark.slow
def test_twice_the_pixels_are_twice_the_work(tmp_path):
    config = ROOT / 'configs/eval/zero-shot_mobilenet-v2_128x64.py'
    flops = []
    for shape in ((128, 64), (256, 64)):
        done = run_tool(TOOL, config, '--image-size', *shape, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        flops.append(float(done.stdout.split()[-2]))
    assert flops[1] == pytest.approx(2 * flops[0], rel=0.01)


def test_config_without_a_model_is_refused(tmp_path):
    (tmp_path / 'empty.py').write_text("work_dir = 'x'\n")
    done = run_tool(TOOL, 'empty.py', cwd=tmp_path)
    assert done.returncode == 1
    assert 'the config has no model' in done.stderr
    assert 'Traceback' not in done.stderr
