"""A QR code as an SVG drawing (ISO/IEC 18004: bytes, correction level L, versions 1 to 10): no secret leaves the house."""

from __future__ import annotations

from itertools import product

from nicegui import ui

#: Per version: data bytes in all blocks, correction bytes per block, blocks (short ones first, then those a byte longer).
_LAYOUT = {
    1: (19, 7, (1, 0)), 2: (34, 10, (1, 0)), 3: (55, 15, (1, 0)), 4: (80, 20, (1, 0)), 5: (108, 26, (1, 0)),
    6: (136, 18, (2, 0)), 7: (156, 20, (2, 0)), 8: (194, 24, (2, 0)), 9: (232, 30, (2, 0)), 10: (274, 18, (2, 2)),
}  # fmt: skip
_ALIGNMENT: dict[int, tuple[int, ...]] = {
    1: (), 2: (6, 18), 3: (6, 22), 4: (6, 26), 5: (6, 30),
    6: (6, 34), 7: (6, 22, 38), 8: (6, 24, 42), 9: (6, 26, 46), 10: (6, 28, 50),
}  # fmt: skip
_QUIET = 4
_Matrix = list[list[bool | None]]


def qr_code(text: str, name: str) -> ui.html:
    """Draw `text` for a phone's camera, dark on white whatever the theme; `name` is said by screen readers."""
    modules = matrix(text)
    size = len(modules) + 2 * _QUIET
    path = "".join(f"M{x + _QUIET} {y + _QUIET}h1v1h-1z" for y, row in enumerate(modules) for x, dark in enumerate(row) if dark)
    drawing = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}" shape-rendering="crispEdges">'
        f'<rect width="{size}" height="{size}" fill="#fff"/><path d="{path}" fill="#000"/></svg>'
    )
    picture = ui.html(drawing).classes("qr")
    picture.props["role"] = "img"
    picture.props["aria-label"] = name
    return picture


def matrix(text: str) -> list[list[bool]]:
    """The modules of the code, row by row, True for dark. ValueError when the text is longer than 271 bytes."""
    payload = text.encode()
    version = next((one for one, (room, _ecc, _blocks) in _LAYOUT.items() if len(payload) + (2 if one < 10 else 3) <= room), None)
    if version is None:
        raise ValueError("too long for a QR code of version 10")
    stream = _interleaved(_data(payload, version), version)
    return min((_drawn(stream, version, mask) for mask in range(8)), key=_penalty)


def _data(payload: bytes, version: int) -> list[int]:
    length_bits = 8 if version < 10 else 16
    bits = "0100" + format(len(payload), f"0{length_bits}b") + "".join(format(byte, "08b") for byte in payload)
    room = _LAYOUT[version][0]
    bits += "0" * min(4, room * 8 - len(bits))
    bits += "0" * (-len(bits) % 8)
    data = [int(bits[start : start + 8], 2) for start in range(0, len(bits), 8)]
    return data + [(0xEC, 0x11)[number % 2] for number in range(room - len(data))]


def _interleaved(data: list[int], version: int) -> list[int]:
    room, correction, (short, long) = _LAYOUT[version]
    size = room // (short + long)
    blocks, start = [], 0
    for number in range(short + long):
        end = start + size + (1 if number >= short else 0)
        blocks.append(data[start:end])
        start = end
    checks = [_correction(block, correction) for block in blocks]
    columns = [block[place] for place in range(size + 1) for block in blocks if place < len(block)]
    return columns + [check[place] for place in range(correction) for check in checks]


def _times(first: int, second: int) -> int:
    """Multiply in GF(256) modulo x⁸+x⁴+x³+x²+1."""
    result = 0
    while second:
        result ^= first if second & 1 else 0
        first = (first << 1) ^ (0x11D if first & 0x80 else 0)
        second >>= 1
    return result


def _correction(block: list[int], count: int) -> list[int]:
    """Reed-Solomon check bytes: the remainder of the block by the generator polynomial."""
    generator, root = [1], 1
    for _number in range(count):
        generator = [a ^ _times(b, root) for a, b in zip([*generator, 0], [0, *generator], strict=True)]
        root = _times(root, 2)
    rest = [0] * count
    for byte in block:
        factor = byte ^ rest[0]
        rest = [a ^ _times(b, factor) for a, b in zip([*rest[1:], 0], generator[1:], strict=True)]
    return rest


def _drawn(stream: list[int], version: int, mask: int) -> list[list[bool]]:
    grid = _patterns(version)
    size = len(grid)
    _write_format(grid, mask)
    bits = (bool(byte >> shift & 1) for byte in stream for shift in range(7, -1, -1))
    upwards = True
    for right in (*range(size - 1, 6, -2), 5, 3, 1):
        for y in range(size - 1, -1, -1) if upwards else range(size):
            for x in (right, right - 1):
                if grid[y][x] is None:
                    grid[y][x] = next(bits, False) ^ _masked(mask, x, y)
        upwards = not upwards
    return [[bool(module) for module in row] for row in grid]


def _patterns(version: int) -> _Matrix:
    size = 17 + 4 * version
    grid: _Matrix = [[None] * size for _row in range(size)]
    for place in range(size):
        grid[6][place] = grid[place][6] = place % 2 == 0
    places = _ALIGNMENT[version]
    for cx, cy in product(places, places):
        if (cx, cy) not in ((6, 6), (6, size - 7), (size - 7, 6)):
            _square(grid, cx, cy, 2)
    for cx, cy in ((3, 3), (size - 4, 3), (3, size - 4)):
        _square(grid, cx, cy, 4)
    if version >= 7:
        _write_version(grid, version)
    return grid


def _square(grid: _Matrix, cx: int, cy: int, reach: int) -> None:
    """Rings around a centre: of a finder (reach 4, its light border included) or of an alignment mark (reach 2)."""
    light = (2, 4) if reach == 4 else (1,)
    for dx, dy in product(range(-reach, reach + 1), repeat=2):
        x, y = cx + dx, cy + dy
        if 0 <= x < len(grid) and 0 <= y < len(grid):
            grid[y][x] = max(abs(dx), abs(dy)) not in light


def _write_format(grid: _Matrix, mask: int) -> None:
    size, data = len(grid), 0b01 << 3 | mask
    rest = data
    for _number in range(10):
        rest = rest << 1 ^ (rest >> 9) * 0x537
    bits = (data << 10 | rest) ^ 0x5412
    for place in range(15):
        dark = bool(bits >> place & 1)
        first = (8, place + (place > 5)) if place < 8 else (14 - place + (place < 9), 8)
        second = (size - 1 - place, 8) if place < 8 else (8, size - 15 + place)
        for x, y in (first, second):
            grid[y][x] = dark
    grid[size - 8][8] = True


def _write_version(grid: _Matrix, version: int) -> None:
    rest = version
    for _number in range(12):
        rest = rest << 1 ^ (rest >> 11) * 0x1F25
    bits = version << 12 | rest
    for place in range(18):
        far, near = len(grid) - 11 + place % 3, place // 3
        grid[near][far] = grid[far][near] = bool(bits >> place & 1)


def _masked(mask: int, x: int, y: int) -> bool:
    return (
        (x + y) % 2, y % 2, x % 3, (x + y) % 3, (x // 3 + y // 2) % 2, x * y % 2 + x * y % 3,
        (x * y % 2 + x * y % 3) % 2, ((x + y) % 2 + x * y % 3) % 2,
    )[mask] == 0  # fmt: skip


def _penalty(grid: list[list[bool]]) -> int:
    """The four rules that keep a code readable: long runs, blocks, false finders, imbalance."""
    size, score = len(grid), 0
    lines = ["".join("#" if module else "." for module in row) for row in grid]
    lines += ["".join(column) for column in zip(*lines, strict=True)]
    for line in lines:
        runs = line.replace("#.", "# .").replace(".#", ". #").split()
        score += sum(len(run) - 2 for run in runs if len(run) >= 5)
        score += 40 * sum(line.startswith(("#.###.#....", "....#.###.#"), start) for start in range(size - 10))
    for x, y in product(range(size - 1), repeat=2):
        score += 3 * (grid[y][x] == grid[y][x + 1] == grid[y + 1][x] == grid[y + 1][x + 1])
    dark = sum(sum(row) for row in grid)
    return score + 10 * (abs(dark * 20 - size * size * 10) // (size * size))
