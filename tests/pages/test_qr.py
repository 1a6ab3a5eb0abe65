"""The QR code: a reader written from the standard alone finds the text again."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.qr import matrix

_ALIGNMENT = {1: [], 2: [6, 18], 3: [6, 22], 4: [6, 26], 5: [6, 30], 6: [6, 34], 7: [6, 22, 38], 8: [6, 24, 42], 9: [6, 26, 46],
              10: [6, 28, 50]}  # fmt: skip
_BLOCKS = {1: [19], 2: [34], 3: [55], 4: [80], 5: [108], 6: [68, 68], 7: [78, 78], 8: [97, 97], 9: [116, 116],
           10: [68, 68, 69, 69]}  # fmt: skip
_MASKS: list[Callable[[int, int], bool]] = [
    lambda x, y: (x + y) % 2 == 0,
    lambda x, y: y % 2 == 0,
    lambda x, y: x % 3 == 0,
    lambda x, y: (x + y) % 3 == 0,
    lambda x, y: (y // 2 + x // 3) % 2 == 0,
    lambda x, y: x * y % 2 + x * y % 3 == 0,
    lambda x, y: (x * y % 2 + x * y % 3) % 2 == 0,
    lambda x, y: ((x + y) % 2 + x * y % 3) % 2 == 0,
]


def reserved(size: int) -> set[tuple[int, int]]:
    """The modules that hold no data: finders, timing, alignment, format and version."""
    version = (size - 17) // 4
    spots = {(x, 6) for x in range(size)} | {(6, y) for y in range(size)}
    spots |= {(x, y) for x in range(9) for y in range(9)}
    spots |= {(x, y) for x in range(size - 8, size) for y in range(9)} | {(x, y) for x in range(9) for y in range(size - 8, size)}
    for cx in _ALIGNMENT[version]:
        for cy in _ALIGNMENT[version]:
            if (cx, cy) not in ((6, 6), (6, size - 7), (size - 7, 6)):
                spots |= {(cx + dx, cy + dy) for dx in range(-2, 3) for dy in range(-2, 3)}
    if version >= 7:
        spots |= {(x, y) for x in range(6) for y in range(size - 11, size - 8)}
        spots |= {(y, x) for x in range(6) for y in range(size - 11, size - 8)}
    return spots


def read(code: list[list[bool]]) -> str:
    """Decode a code without errors: format, mask, zigzag, blocks, bytes."""
    size = len(code)
    version = (size - 17) // 4
    around = [code[8][x] for x in (0, 1, 2, 3, 4, 5, 7, 8)] + [code[y][8] for y in (7, 5, 4, 3, 2, 1, 0)]
    form = int("".join(str(int(bit)) for bit in around), 2) ^ 0b101010000010010
    assert form >> 13 == 0b01, "error correction L"
    mask, skip, bits = _MASKS[form >> 10 & 7], reserved(size), ""
    upwards = True
    for right in [*range(size - 1, 6, -2), 5, 3, 1]:
        for y in range(size - 1, -1, -1) if upwards else range(size):
            for x in (right, right - 1):
                if (x, y) not in skip:
                    bits += str(int(code[y][x] ^ mask(x, y)))
        upwards = not upwards
    words = [int(bits[start : start + 8], 2) for start in range(0, len(bits) - 7, 8)]
    blocks: list[list[int]] = [[] for _ in _BLOCKS[version]]
    position = 0
    for place in range(max(_BLOCKS[version])):
        for number, length in enumerate(_BLOCKS[version]):
            if place < length:
                blocks[number].append(words[position])
                position += 1
    stream = "".join(format(word, "08b") for block in blocks for word in block)
    assert stream[:4] == "0100"
    count_bits = 8 if version < 10 else 16
    count, start = int(stream[4 : 4 + count_bits], 2), 4 + count_bits
    return bytes(int(stream[at : at + 8], 2) for at in range(start, start + 8 * count, 8)).decode()


@settings(max_examples=30, deadline=None)
@given(st.text(st.characters(codec="utf-8", max_codepoint=0x2FF), max_size=130))
def test_what_was_written_can_be_read(text: str) -> None:
    assert read(matrix(text)) == text


@pytest.mark.parametrize("length", [1, 17, 18, 32, 53, 78, 106, 134, 154, 192, 230, 271])
def test_every_size_can_be_read(length: int) -> None:
    text = ("otpauth://totp/" * 20)[:length]
    assert read(matrix(text)) == text


def test_a_text_that_is_too_long_is_refused() -> None:
    with pytest.raises(ValueError, match="too long"):
        matrix("x" * 272)
