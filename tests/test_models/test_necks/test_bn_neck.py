import torch

from mmcion.models import BNNeck


def make_feats():
    torch.manual_seed(0)
    return torch.randn(6, 4)


def test_without_embedding_the_feature_stays_before():
    neck, feats = BNNeck(4), make_feats()
    before, after = neck(feats)
    assert torch.equal(before, feats)
    expected = (feats - feats.mean(0)) / (feats.var(0, False) + 1e-5).sqrt()
    torch.testing.assert_close(after, expected)
    assert neck.num_features == 4
    assert set(neck.state_dict()) == {
        f'bn.{name}'
        for name in (
            'weight',
            'bias',
            'running_mean',
            'running_var',
            'num_batches_tracked',
        )
    }


def test_embedding_is_linear():
    neck, feats = BNNeck(4, 3).eval(), make_feats()
    before, after = neck(feats)
    assert torch.equal(before, feats @ neck.embedding.weight.T)
    torch.testing.assert_close(after, before / (1 + 1e-5) ** 0.5)
    assert neck.num_features == 3


def test_there_is_no_shift_to_learn():
    neck = BNNeck(4, 3)
    trained = {n for n, p in neck.named_parameters() if p.requires_grad}
    assert trained == {'embedding.weight', 'bn.weight'}
    assert not neck.bn.bias.any()
