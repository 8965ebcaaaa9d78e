"""Numbers in sentences."""


def count_of(number: int, noun: str) -> str:
    """Return ``1 video``, ``2 videos``, ``2 identities`` or ``2 matches``."""
    if noun.endswith('y'):
        plural = noun[:-1] + 'ies'
    else:
        plural = noun + ('es' if noun.endswith('ch') else 's')
    return f'{number:,} {noun if number == 1 else plural}'


def share_of(part: int, whole: int) -> str:
    """Return a percentage, and a dash if there is no whole."""
    return f'{part / whole:.1%}' if whole else '–'
