"""Numbers in sentences."""


def count_of(number: int, noun: str) -> str:
    """Return ``1 video``, ``2,345 videos`` or ``2 identities``."""
    plural = noun[:-1] + 'ies' if noun.endswith('y') else noun + 's'
    return f'{number:,} {noun if number == 1 else plural}'


def share_of(part: int, whole: int) -> str:
    """Return a percentage, and a dash if there is no whole."""
    return f'{part / whole:.1%}' if whole else '–'
