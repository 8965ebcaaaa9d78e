import pytest


@pytest.fixture
def config(tmp_path):
    """Config of a tiny network and its images."""
    path = tmp_path / 'config.py'
    path.write_text(
        """
model = dict(
    type='ReIDModel', backbone=dict(type='TinyBackbone', use_bn=True)
)
test_dataloader = dict(dataset=dict(pipeline=[
    dict(type='LoadImage'),
    dict(type='ResizeImage', size=(16, 8)),
    dict(type='PackReIDInputs'),
]))
"""
    )
    return path
