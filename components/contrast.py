"""Words on coloured ground: which of our two inks is read better there (WCAG 2.2, relative luminance and contrast ratio)."""

from __future__ import annotations

from collections.abc import Sequence

from components import theme

Colour = tuple[float, float, float]


def words_on(colours: Sequence[str], share: float) -> str:
    """The ink for words at this share, 0 to 1, of a scale that runs evenly through these colours (`#rrggbb`)."""
    ground = _blended(colours, min(max(share, 0.0), 1.0))
    return max((theme.INK, theme.TEXT), key=lambda ink: _contrast(_parts(ink), ground))


def contrast_on(colours: Sequence[str], share: float) -> float:
    """How well those words are read: from 1, not at all, to 21."""
    return _contrast(_parts(words_on(colours, share)), _blended(colours, min(max(share, 0.0), 1.0)))


def _blended(colours: Sequence[str], share: float) -> Colour:
    place = share * (len(colours) - 1)
    at = min(int(place), len(colours) - 2)
    begin, end = _parts(colours[at]), _parts(colours[at + 1])
    red, green, blue = (one + (other - one) * (place - at) for one, other in zip(begin, end, strict=True))
    return red, green, blue


def _parts(colour: str) -> Colour:
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def _contrast(one: Colour, other: Colour) -> float:
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: Colour) -> float:
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
