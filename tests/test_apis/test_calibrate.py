import cv2
import numpy as np
import pytest
import torch

import mmcion
from mmcion.apis.calibrate import calibrate_model
from mmcion.apis.zoo import get_model
from mmcion.models import build_backbone
from mmcion.models.weights import ModelSpec, save_model_file
from mmcion.structures import ReIDFeatures

ARCH, SIZE = 'ghostnet_0_5', (64, 32)
PEOPLE, PER_PERSON = 6, 3


def write_patterns(folder):
    """Write coarse patterns, one per identity: a query, two others."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    paths = []
    for _ in range(PEOPLE):
        pattern = rng.uniform(0, 255, (4, 2, 3))
        for _ in range(PER_PERSON):
            image = pattern + rng.normal(0, 20, pattern.shape)
            image = cv2.resize(np.clip(image, 0, 255), SIZE[::-1])
            paths.append(folder / f'{len(paths)}.png')
            cv2.imwrite(str(paths[-1]), image.astype(np.uint8))
    return paths


def make_backbone(seed, paths):
    """Random weights; the statistics of the images spread the features."""
    torch.manual_seed(seed)
    backbone = build_backbone(ARCH).train()
    images = np.stack([cv2.imread(str(path))[..., ::-1] for path in paths])
    inputs = torch.from_numpy(images / 255.0).float().permute(0, 3, 1, 2)
    for _ in range(20):
        backbone((inputs - 0.45) / 0.225)
    return backbone.eval()


@pytest.fixture(scope='module')
def source(tmp_path_factory):
    """Model file, and its features of the images."""
    folder = tmp_path_factory.mktemp('source')
    paths = write_patterns(folder / 'images')
    model = save_model_file(
        folder / 'model.pth',
        make_backbone(0, paths),
        ModelSpec.from_architecture(ARCH, input_size=SIZE),
    )
    extractor = mmcion.FeatureExtractor(get_model(model), normalize=False)
    number = np.arange(len(paths))
    data = ReIDFeatures(
        feature=extractor([str(path) for path in paths]),
        pid=number // PER_PERSON,
        cam_id=number % PER_PERSON,
        is_query=number % PER_PERSON == 0,
        img_path=np.array(paths, str),
    )
    data.save(folder / 'features.npz')
    return folder


def rewritten(source, path, **columns):
    """Write the features with other columns, and return the file."""
    data = ReIDFeatures.load(source / 'features.npz')
    ReIDFeatures(**{**vars(data), **columns}).save(path)
    return path


def test_compare_keeps_to_the_rate(source, tmp_path):
    model, rate = source / 'model.pth', 0.1
    found = calibrate_model(
        source / 'features.npz',
        model,
        false_match_rate=rate,
        out=tmp_path / 'b.pth',
    )
    assert found.path == tmp_path / 'b.pth'
    assert (found.num_verified, found.replaced) == (8, None)
    calibration = found.calibration
    assert calibration.num_wrong == PEOPLE * (PEOPLE - 1) * 2

    search = mmcion.ReIDInferencer(found.path, device='cpu')
    data = ReIDFeatures.load(source / 'features.npz')
    same = {True: [], False: []}
    for query in np.flatnonzero(data.is_query):
        for other in np.flatnonzero(~data.is_query):
            result = search.compare(
                str(data.img_path[query]), str(data.img_path[other])
            )
            assert result['threshold'] == calibration.similarity
            assert 'false-match rate of 0.1' in result['reason']
            one_person = bool(data.pid[query] == data.pid[other])
            same[one_person].append(result['same'])
    assert np.sum(same[False]) == calibration.num_false_matches == 6
    assert np.mean(same[True]) == calibration.true_match_rate > 0.5

    again = calibrate_model(
        source / 'features.npz', found.path, false_match_rate=0.2
    )
    assert again.replaced == calibration.similarity
    assert again.path == tmp_path / 'b_calibrated.pth'
    threshold = get_model(again.path).spec.threshold
    assert threshold['false_match_rate'] == 0.2
    assert len(threshold['features_sha256']) == 64


def test_features_of_another_model_are_refused(source, tmp_path):
    paths = ReIDFeatures.load(source / 'features.npz').img_path
    other = save_model_file(
        tmp_path / 'other.pth',
        make_backbone(1, paths),
        ModelSpec.from_architecture(ARCH, input_size=SIZE),
    )
    with pytest.raises(ValueError, match=r'not extracted with .*other.pth: t'):
        calibrate_model(source / 'features.npz', other, false_match_rate=0.1)
    narrow = rewritten(
        source, tmp_path / 'f.npz', feature=np.zeros((18, 7), np.float32)
    )
    message = 'features of 7 dimensions, .*other.pth gives 1280'
    with pytest.raises(ValueError, match=message):
        calibrate_model(narrow, other, false_match_rate=0.1)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        'f.npz',
        'other.pth',
    ]


@pytest.mark.parametrize('change', ['flip', 'size'])
def test_features_that_compare_would_not_see_are_refused(
    source, tmp_path, change
):
    model = get_model(source / 'model.pth')
    data = ReIDFeatures.load(source / 'features.npz')
    if change == 'flip':
        images = [cv2.imread(path)[:, ::-1] for path in data.img_path]
        extractor = mmcion.FeatureExtractor(model, normalize=False)
        other = extractor(images, channel_order='bgr')
        feature = (data.feature + other) / 2
    else:
        extractor = mmcion.FeatureExtractor(model, image_size=(96, 32))
        feature = extractor([str(path) for path in data.img_path])
    features = rewritten(source, tmp_path / 'f.npz', feature=feature)
    message = r'at size \[64, 32\], .* flipped only'
    with pytest.raises(ValueError, match=message):
        calibrate_model(features, source / 'model.pth', false_match_rate=0.1)


def test_half_precision_is_accepted(source, tmp_path):
    data = ReIDFeatures.load(source / 'features.npz')
    feature = torch.from_numpy(data.feature).bfloat16().float().numpy()
    features = rewritten(source, tmp_path / 'f.npz', feature=feature)
    found = calibrate_model(
        features,
        source / 'model.pth',
        false_match_rate=0.1,
        out=tmp_path / 'b.pth',
    )
    assert found.num_verified == 8


def test_images_that_are_not_here_are_not_verified(source, tmp_path):
    paths = np.array([f'/nowhere/{row}.png' for row in range(18)])
    features = rewritten(source, tmp_path / 'f.npz', img_path=paths)
    found = calibrate_model(
        features,
        source / 'model.pth',
        false_match_rate=0.1,
        out=tmp_path / 'b.pth',
    )
    assert found.num_verified == 0


def test_cameras(source, tmp_path):
    one = rewritten(source, tmp_path / 'f.npz', cam_id=np.ones(18, int))
    none = rewritten(source, tmp_path / 'g.npz', cam_id=np.full(18, -1))
    model, out = source / 'model.pth', tmp_path / 'b.pth'
    with pytest.raises(
        ValueError, match=r'f.npz: no query has a match.*camera'
    ):
        calibrate_model(one, model, false_match_rate=0.1, out=out)
    found = calibrate_model(
        one, model, false_match_rate=0.1, out=out, ignore_cameras=True
    )
    assert found.calibration.num_matches == 12
    found = calibrate_model(none, model, false_match_rate=0.1, out=out)
    assert found.calibration.num_matches == 12


def test_files_are_looked_at_first(source, tmp_path):
    torch.save({'state_dict': {}}, tmp_path / 'epoch_1.pth')
    with pytest.raises(ValueError, match=r'publish_model.py .*epoch_1.pth'):
        calibrate_model(
            tmp_path / 'no.npz', tmp_path / 'epoch_1.pth', false_match_rate=0.1
        )
    with pytest.raises(ValueError, match='is the file that is read'):
        calibrate_model(
            tmp_path / 'no.npz',
            source / 'model.pth',
            false_match_rate=0.1,
            out=source / 'model.pth',
        )
    with pytest.raises(FileNotFoundError, match=r'no\.npz'):
        calibrate_model(
            tmp_path / 'no.npz', source / 'model.pth', false_match_rate=0.1
        )
