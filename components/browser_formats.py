"""Formats that run in the browser, as JavaScript functions: for figures that travel plain because they come by the hundred.

Each is an expression that makes its `Intl` formatter once. They write as `formats` does, in the reader's language and zone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from aristobot.language import current_language
from components.viewer import zone


def number(least: int, most: int, *, sign: bool = False) -> str:
    """A function of a number: between `least` and `most` decimals; `sign` writes the plus as well."""
    shape: dict[str, object] = {"minimumFractionDigits": min(least, most), "maximumFractionDigits": most}
    return _numbers(shape | {"signDisplay": "exceptZero"} if sign else shape)


def significant(digits: int) -> str:
    """A function of a number: so many significant digits at most."""
    return _numbers({"maximumSignificantDigits": digits})


def price() -> str:
    """A function of a price, as `formats.price` writes it: two decimals from 1 000 up, four from 1 up, five digits below."""
    return (
        f"(() => {{ const big = {number(2, 2)}, middle = {number(2, 4)}, small = {significant(5)};"
        " return n => (n >= 1000 ? big : n >= 1 ? middle : small)(n); })()"
    )


def short_while() -> str:
    """A function of seconds, as `formats.seconds` writes them: `35 ms` below one, then `1,4 s`."""
    return (
        f"(() => {{ const whole = {number(0, 0)}, tenths = {number(1, 1)};"
        " return s => s < 1 ? whole(s * 1000) + '\\u00a0ms' : tenths(s) + '\\u00a0s'; })()"
    )


def moment(**parts: str) -> str:
    """A function of a moment in milliseconds, in the reader's time zone; `parts` as in `Intl.DateTimeFormat`."""
    options = json.dumps({**parts, "timeZone": str(zone())})
    return f"(() => {{ const f = new Intl.DateTimeFormat({_tag()}, {options}); return ms => f.format(Number(ms)); }})()"


def _numbers(options: Mapping[str, object]) -> str:
    made = f"new Intl.NumberFormat({_tag()}, {json.dumps(options)})"
    return f"(() => {{ const f = {made}; return n => f.format(n).replace('-', '\\u2212'); }})()"


def _tag() -> str:
    """The language as browsers name it, as a JavaScript text."""
    return '"en-GB"' if current_language() == "en" else '"fr-FR"'
