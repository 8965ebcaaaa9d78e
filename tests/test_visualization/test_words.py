import pytest

from mmcion.visualization.words import count_of, share_of


@pytest.mark.parametrize(
    ('number', 'noun', 'text'),
    [
        (1, 'video', '1 video'),
        (0, 'video', '0 videos'),
        (12345, 'image', '12,345 images'),
        (2, 'identity', '2 identities'),
        (1, 'identity', '1 identity'),
        (3, 'match', '3 matches'),
    ],
)
def test_numbers_and_nouns_agree(number, noun, text):
    assert count_of(number, noun) == text


def test_share_of_nothing_is_a_dash():
    assert share_of(1, 8) == '12.5%'
    assert share_of(0, 0) == '–'
