import cv2
import onnxruntime
import pytest
import torch

from mmcion.models import build_backbone
from mmcion.models.weights import ModelSpec, save_model_file
from mmcion.utils.io import hash_file, read_json

from ..tiny import write_image
from ..tool_utils import run_tool

TOOL = 'export_model.py'


@pytest.mark.slow
def test_model_file_becomes_onnx_that_takes_images(tmp_path):
    torch.manual_seed(0)
    backbone = build_backbone('ghostnet_0_5')
    file = save_model_file(
        tmp_path / 'model.pth',
        backbone,
        ModelSpec.from_architecture('ghostnet_0_5', input_size=(64, 32)),
    )
    for number in range(9):
        write_image(tmp_path / 'crops' / f'{number}.png', seed=number)

    done = run_tool(
        TOOL,
        *(file, '--out', 'model.onnx', '--crops', 'crops'),
        *('--with-preprocess', '--normalize', '--int8'),
        cwd=tmp_path,
    )

    assert done.returncode == 0, done.stderr
    assert done.stderr == ''
    assert 'compared on 9 real crops, batch 1 and 8' in done.stdout
    note = read_json(tmp_path / 'model.onnx.json')
    for name in ('model.onnx', 'model.int8.onnx', 'model.onnx.json'):
        assert name in done.stdout
        assert (tmp_path / name).is_file()
    assert f'min cosine {note["int8"]["min_cosine"]:.8f}' in done.stdout
    assert note['arch'] == 'ghostnet_0_5'
    assert note['weights_sha256'] == hash_file(file)
    session = onnxruntime.InferenceSession(tmp_path / 'model.onnx')
    image = cv2.imread(str(tmp_path / 'crops' / '0.png'))[:, :, ::-1]
    image = cv2.resize(image, (32, 64))
    (feats,) = session.run(None, {'images': image[None]})
    assert feats.shape == (1, 1280)
    assert abs((feats**2).sum() - 1) < 1e-4


@pytest.mark.slow
def test_random_weights_must_be_asked_for(tmp_path, monkeypatch):
    monkeypatch.delenv('MMCION_ZOO', raising=False)
    arguments = ('ghostnet_0_5', '--out', 'model.pt')
    done = run_tool(TOOL, *arguments, cwd=tmp_path)
    assert done.returncode == 1
    assert 'there are no weights of cion_ghostnet_0_5' in done.stderr
    assert 'Traceback' not in done.stderr
    assert not list(tmp_path.iterdir())

    done = run_tool(
        TOOL,
        *(*arguments, '--random-weights'),
        *('--image-size', 64, 32),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    note = read_json(tmp_path / 'model.pt.json')
    assert note['source'] == 'random weights'
    assert note['weights_sha256'] is None
    feats = torch.jit.load(tmp_path / 'model.pt')(torch.zeros(2, 3, 64, 32))
    assert feats.shape == (2, 1280)


@pytest.mark.parametrize(
    ('options', 'others'),
    [
        (['--weights', 'b.pth'], 'other weights (b.pth)'),
        (['--random-weights'], 'random ones'),
    ],
)
def test_model_file_has_its_own_weights(options, others, call_tool, capsys):
    with pytest.raises(SystemExit) as stop:
        call_tool(TOOL, 'a.pth', *options, '--out', 'model.onnx')
    assert stop.value.code == 1
    error = capsys.readouterr().err
    assert f'a.pth has weights of its own: leave out {others}.' in error


@pytest.mark.parametrize('is_file', [True, False])
@pytest.mark.slow
def test_weights_are_not_overwritten(is_file, tmp_path):
    file = save_model_file(
        tmp_path / 'a.pth',
        build_backbone('ghostnet_0_5'),
        ModelSpec.from_architecture('ghostnet_0_5'),
    )
    before = file.read_bytes()
    given = ['a.pth'] if is_file else ['ghostnet_0_5', '--weights', 'a.pth']
    done = run_tool(TOOL, *given, '--out', './a.pth', cwd=tmp_path)
    assert done.returncode == 1
    assert 'a.pth is the file that is read' in done.stderr
    assert file.read_bytes() == before


@pytest.mark.slow
def test_wrong_image_size(tmp_path):
    write_image(tmp_path / 'crops' / 'a.png')
    done = run_tool(
        TOOL,
        *('ghostnet_0_5', '--random-weights', '--out', 'model.onnx'),
        *('--image-size', -1, 5, '--crops', 'crops'),
        cwd=tmp_path,
    )
    assert done.returncode == 1
    assert '[-1, 5]' in done.stderr
