import torch

from mmcion.apis.zoo import get_model
from tests.golden import reidzoo_backbone, reidzoo_keys

from ..tool_utils import run_tool

TOOL = 'model_converters/reidzoo_to_mmcion.py'


class Malicious:
    def __reduce__(self):
        return (print, ('run',))


def test_released_model_becomes_a_model_file(tmp_path):
    prefix = reidzoo_keys()['ghostnet_0_5']['prefix']
    teacher = {
        prefix + name: tensor
        for name, tensor in reidzoo_backbone('ghostnet_0_5').items()
    }
    torch.save({'teacher': teacher}, tmp_path / 'released.pth')

    done = run_tool(
        TOOL, 'released.pth', '--out', 'zoo/model.pth', '--hash', cwd=tmp_path
    )

    assert done.returncode == 0, done.stderr
    (path,) = (tmp_path / 'zoo').iterdir()
    assert done.stdout == (
        f'zoo/{path.name}: 100.0% of ghostnet_0_5: 510 tensors found\n'
    )
    model = get_model(path)
    assert model(torch.rand(1, 3, 64, 32)).shape == (1, 1280)
    assert model.spec.source.startswith('ReIDZoo')

    wrong = run_tool(
        *(TOOL, 'released.pth', '--out', 'b.pth', '--arch', 'resnet18'),
        cwd=tmp_path,
    )
    assert wrong.returncode == 1
    assert '% of resnet18: ' in wrong.stderr
    assert not (tmp_path / 'b.pth').exists()


def test_code_is_not_run(tmp_path):
    torch.save({'teacher': Malicious()}, tmp_path / 'bad.pth')
    done = run_tool(TOOL, 'bad.pth', '--out', 'b.pth', cwd=tmp_path)
    assert done.returncode == 1 and done.stdout == ''
    assert 'wants to run' in done.stderr
    assert not (tmp_path / 'b.pth').exists()
