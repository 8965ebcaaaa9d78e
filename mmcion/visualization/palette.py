"""The few colours of every picture, chart and page."""

RGB = tuple[int, int, int]

INK = '#1f2933'
MUTED = '#616e7c'
LINE = '#dfe3e8'
PAPER = '#ffffff'
PANEL = '#f5f7f9'

BLUE = '#2f6690'
ORANGE = '#d9822b'
GREEN = '#2f8f5b'
RED = '#c0392b'
GREY = '#9aa5b1'
SERIES = (BLUE, ORANGE, GREEN, '#7b5ea7', RED, GREY)


def rgb(color: str) -> RGB:
    """Return ``'#rrggbb'`` as three numbers of 0 to 255."""
    red, green, blue = bytes.fromhex(color.removeprefix('#'))
    return red, green, blue
