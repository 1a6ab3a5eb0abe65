"""Our own indicators against arithmetic done by hand. The numbers in the comments are the whole calculation."""

from __future__ import annotations

import numpy as np
import pytest

from aristobot.indicators import ta
from aristobot.indicators.columns import Floats
from aristobot.indicators.library import library
from tests.aristobot.test_indicator_tape import walk

NAN = float("nan")
DAY = 86_400_000
MIDNIGHT = 1_704_672_000_000  # Monday 8 January 2024, 00:00 UTC


def candles(*rows: tuple[float, float, float, float, float], start: int = MIDNIGHT, step: int = 3_600_000) -> Floats:
    """Rows of open, high, low, close, volume, an hour apart."""
    return np.array([(start + step * at, o, c, h, low, v) for at, (o, h, low, c, v) in enumerate(rows)], dtype=float)


def same(found: object, expected: list[float]) -> None:
    np.testing.assert_allclose(np.asarray(found, dtype=float), expected, rtol=1e-12, atol=1e-12)


def test_vwap_begins_anew_at_midnight() -> None:
    # hlc3: (12+9+9)/3=10, (15+9+12)/3=12, then a new day: (21+19+20)/3=20, (24+20+22)/3=22
    seen = candles((9, 12, 9, 9, 1), (9, 15, 9, 12, 3), (12, 21, 19, 20, 2), (20, 24, 20, 22, 6), start=MIDNIGHT - 2 * 3_600_000)
    # 10*1/1=10; (10+36)/4=11.5; 20*2/2=20; (40+132)/8=21.5
    same(ta.vwap(seen, sequential=True), [10, 11.5, 20, 21.5])
    # never anew: (46+40)/6, (46+172)/12
    same(ta.vwap(seen, anchor="", sequential=True), [10, 11.5, 86 / 6, 218 / 12])
    # the week begins on that Monday as well; of closes: 9, (9+36)/4, 20, (40+132)/8
    same(ta.vwap(seen, "close", "W", sequential=True), [9, 11.25, 20, 21.5])
    # sessions of two hours
    same(ta.vwap(seen, anchor="2h", sequential=True), [10, 11.5, 20, 21.5])
    assert ta.vwap(seen) == 21.5


def test_vwap_is_unknown_until_something_is_traded() -> None:
    same(ta.vwap(candles((5, 5, 5, 5, 0), (5, 7, 5, 6, 2)), sequential=True), [NAN, 6])


def test_an_anchor_that_means_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="anchor 'day' is none of"):
        ta.vwap(walk(5), anchor="day")


@pytest.mark.parametrize("anchor", ["2024-01-08T01:00", "2024-01-08T02:00+01:00", MIDNIGHT + 3_600_000, MIDNIGHT + 1])
def test_anchored_vwap_begins_with_the_first_candle_from_its_anchor(anchor: str | int) -> None:
    # hlc3 10, 12, 20: nothing; 12*3/3; (36+40)/5
    seen = candles((9, 12, 9, 9, 1), (9, 15, 9, 12, 3), (12, 21, 19, 20, 2))
    same(ta.anchored_vwap(seen, anchor, sequential=True), [NAN, 12, 15.2])


def test_supertrend_turns_with_a_close_beyond_its_band() -> None:
    seen = candles(
        (10, 11, 9, 10, 1),
        (10, 12, 10, 11, 1),
        (11, 13, 11, 12, 1),
        (12, 14, 12, 13, 1),
        (13, 13, 7, 7, 1),
        (7, 8, 6, 7, 1),
        (7, 16, 8, 15, 1),
    )
    # true ranges from the second on: 2, 2, 2, 6 (13 to 7), 2, 9 (16-7); ATR 2: 2, 2, (2+6)/2=4, (4+2)/2=3, (3+9)/2=6
    # middles from the third on: 12, 13, 10, 7, 12
    # lower: 10; max(11,10)=11; max(6,11)=11; the close 7 fell through: 7-3=4; max(6,4)=6
    # upper: 14; min(15,14)=14; min(14,14)=14; min(10,14)=10; min(18,10)=10
    # line: rising 10, 11; 7 closes under 11: falling 14, 10; 15 closes over 10: rising 6
    line, changed = ta.supertrend(seen, 2, 1, sequential=True)
    same(line, [NAN, NAN, 10, 11, 14, 10, 6])
    same(changed, [0, 0, 0, 0, 1, 0, 1])


def test_supertrend_is_the_definition_candle_by_candle() -> None:
    seen = walk(400)
    atr = ta.atr(seen, 10, sequential=True)
    lower, upper, rising, turned = 0.0, 0.0, True, []
    line = np.full(400, np.nan)
    for at in range(10, 400):
        middle, close, before = (seen[at, 3] + seen[at, 4]) / 2, seen[at, 2], seen[at - 1, 2]
        low, high = middle - 3 * atr[at], middle + 3 * atr[at]
        lower = low if at == 10 or before < lower else max(low, lower)
        upper = high if at == 10 or before > upper else min(high, upper)
        was, rising = rising, close >= lower if rising else close > upper
        turned += [at] if rising != was and at > 10 else []
        line[at] = lower if rising else upper
    found = ta.supertrend(seen, sequential=True)
    np.testing.assert_allclose(found.trend, line)
    assert np.flatnonzero(found.changed).tolist() == turned
    assert len(turned) > 3


def test_ichimoku_shows_the_cloud_that_was_computed_before() -> None:
    # middles of the ranges of 2, 3 and 4 candles; displacement 2
    seen = candles((1, 2, 0, 1, 1), (1, 4, 2, 3, 1), (3, 8, 4, 5, 1), (5, 10, 8, 9, 1), (9, 12, 6, 7, 1), (7, 14, 10, 11, 1))
    found = ta.ichimoku_cloud_seq(seen, 2, 3, 4, 2, sequential=True)
    same(found.conversion_line, [NAN, 2, 5, 7, 9, 10])  # (4+0)/2, (8+2)/2, (10+4)/2, (12+6)/2, (14+6)/2
    same(found.base_line, [NAN, NAN, 4, 6, 8, 10])  # (8+0)/2, (10+2)/2, (12+4)/2, (14+6)/2
    same(found.future_span_a, [NAN, NAN, 4.5, 6.5, 8.5, 10])
    same(found.future_span_b, [NAN, NAN, NAN, 5, 7, 9])  # (10+0)/2, (12+2)/2, (14+4)/2
    same(found.span_a, [NAN, NAN, NAN, NAN, 4.5, 6.5])
    same(found.span_b, [NAN, NAN, NAN, NAN, NAN, 5])
    same(found.lagging_line, [NAN, 1, 3, 5, 9, 7])
    assert ta.ichimoku_cloud(seen, 2, 3, 4, 2) == (10, 10, 6.5, 5)


def test_donchian_is_the_range_of_the_last_candles() -> None:
    seen = candles((1, 2, 0, 1, 1), (1, 4, 2, 3, 1), (3, 3, 1, 2, 1))
    found = ta.donchian(seen, 2, sequential=True)
    same(found.upperband, [NAN, 4, 4])
    same(found.middleband, [NAN, 2, 2.5])
    same(found.lowerband, [NAN, 0, 1])


def test_keltner_is_an_average_and_so_many_true_ranges() -> None:
    # closes 10, 12, 11, 13; SMA 2: 11, 11.5, 12. TR: 3 (11-9=2, 13-10=3), 2 (|11-12|, 12-10), 3 (14-11, 14-11)
    # ATR 2, first over the candles 2 and 3: (3+2)/2=2.5; then (2.5+3)/2=2.75
    seen = candles((10, 11, 9, 10, 1), (10, 13, 11, 12, 1), (12, 12, 10, 11, 1), (11, 14, 12, 13, 1))
    found = ta.keltner(seen, 2, 2, matype=0, sequential=True)
    same(found.middleband, [NAN, 11, 11.5, 12])
    same(found.upperband, [NAN, NAN, 16.5, 17.5])
    same(found.lowerband, [NAN, NAN, 6.5, 6.5])


def test_heikin_ashi_opens_in_the_middle_of_the_one_before() -> None:
    # close (10+14+8+12)/4=11, open (10+12)/2=11; close (12+16+10+14)/4=13, open (11+11)/2=11; close (14+15+9+10)/4=12, open 12
    found = ta.heikin_ashi_candles(candles((10, 14, 8, 12, 1), (12, 16, 10, 14, 1), (14, 15, 9, 10, 1)), sequential=True)
    same(found.open, [11, 11, 12])
    same(found.close, [11, 13, 12])
    same(found.high, [14, 16, 15])
    same(found.low, [8, 10, 9])


# open 100, high 110, low 90, close 106: range 20, (h+l+c)/3 = 102
PIVOTS = {
    # r1 = 204-90, s1 = 204-110, r2/s2 = 102 +/- 20
    0: (NAN, NAN, 122, 114, 102, 94, 82, NAN, NAN),
    # 102 +/- 7.64, 12.36, 20
    1: (NAN, 122, 114.36, 109.64, 102, 94.36, 89.64, 82, NAN),
    # close above open: 2*110+90+106 = 416; /4, /2-90, /2-110
    2: (NAN, NAN, NAN, 118, 104, 98, NAN, NAN, NAN),
    # 106 +/- 20 * 1.1/12, /6, /4, /2
    3: (117, 111.5, 106 + 11 / 3, 106 + 11 / 6, 102, 106 - 11 / 6, 106 - 11 / 3, 100.5, 95),
    # (110+90+200)/4 = 100; r1 = 200-90; s1 = 200-110; r2/s2 = 100+/-20; r3 = 110+2*10; s3 = 90-2*10; r4/s4 +/- 20
    4: (150, 130, 120, 110, 100, 90, 80, 70, 50),
}


@pytest.mark.parametrize(("mode", "levels"), PIVOTS.items())
def test_pivots_of_a_candle(mode: int, levels: tuple[float, ...]) -> None:
    same(ta.pivot(candles((100, 110, 90, 106, 1)), mode), list(levels))


def test_demark_weighs_what_the_colour_says() -> None:
    # falling: high+2*low+close = 110+180+94 = 384; unchanged: high+low+2*close = 110+90+200 = 400
    assert ta.pivot(candles((100, 110, 90, 94, 1)), 2).pp == 96
    assert ta.pivot(candles((100, 110, 90, 100, 1)), 2).pp == 100


def test_pivots_of_a_session_stand_through_the_next_one() -> None:
    # the day: open 100, high 110, low 90, close 106, in two candles; the next day opens at 104
    seen = candles(
        (100, 110, 98, 99, 1), (99, 108, 90, 106, 1), (104, 120, 80, 90, 1), (90, 95, 85, 91, 1), start=MIDNIGHT - 2 * 3_600_000
    )
    for mode in (0, 1, 2, 3):
        found = ta.pivot(seen, mode, "D", sequential=True)
        for level, expected in zip(found, PIVOTS[mode], strict=True):
            same(level, [NAN, NAN, expected, expected])
    # Woodie: (110+90+2*104)/4
    same(ta.pivot(seen, 4, "D", sequential=True).pp, [NAN, NAN, 102, 102])


def test_an_unknown_pivot_is_refused() -> None:
    with pytest.raises(ValueError, match="mode 5 is none of"):
        ta.pivot(walk(5), 5)


def test_oscillators_in_jesses_shape() -> None:
    seen = walk(120)
    median = (seen[:, 3] + seen[:, 4]) / 2
    wide = np.convolve(median, np.ones(5) / 5, "valid")[29:] - np.convolve(median, np.ones(34) / 34, "valid")
    np.testing.assert_allclose(ta.ao(seen, sequential=True).osc[33:], wide)
    assert ta.ao(seen).change == pytest.approx(wide[-1] - wide[-2])
    slow = np.convolve(wide, np.ones(5) / 5, "valid")
    assert ta.acosc(seen).osc == pytest.approx(wide[-1] - slow[-1])
    assert ta.acosc(seen).change == pytest.approx((wide[-1] - slow[-1]) - (wide[-2] - slow[-2]))
    assert ta.di(seen, 9) == (ta.plus_di(seen, 9), ta.minus_di(seen, 9))
    assert ta.dm(seen, 9) == (ta.plus_dm(seen, 9), ta.minus_dm(seen, 9))
    upper, middle, lower = ta.bollinger_bands(seen, 10)
    assert ta.bollinger_bands_width(seen, 10) == pytest.approx((upper - lower) / middle)


def test_stochastic_rsi_is_the_place_of_the_rsi_in_its_range() -> None:
    seen = walk(120)
    rsi = ta.rsi(seen, 14, sequential=True)
    place = [100 * (rsi[at] - min(rsi[at - 13 : at + 1])) / np.ptp(rsi[at - 13 : at + 1]) for at in range(115, 120)]
    k = np.convolve(place, np.ones(3) / 3, "valid")
    assert ta.srsi(seen) == pytest.approx((k[-1], k.mean()))


def test_alligator_is_drawn_later() -> None:
    seen = walk(120)
    found = ta.alligator(seen, sequential=True)
    for line, period, shift in ((found.jaw, 13, 8), (found.teeth, 8, 5), (found.lips, 5, 3)):
        same(line[shift:], ta.smma(seen, period, "hl2", sequential=True)[:-shift])
        assert np.isnan(line[: period + shift - 1]).all()


def test_smoothed_averages_are_wilders() -> None:
    # (2+4+6)/3 = 4; (4*2+10)/3 = 6; (6*2+3)/3 = 5
    series = np.array([2.0, 4, 6, 10, 3])
    for average in (ta.smma, ta.wilders):
        same(average(series, 3, sequential=True), [NAN, NAN, 4, 6, 5])


def test_alma_weighs_by_the_bell_curve() -> None:
    # 3 candles, middle at 0.5 * 2 = 1, width 3/3 = 1: weights e^-0.5, 1, e^-0.5
    side = np.exp(-0.5)
    first, second = (side * 1 + 2 + side * 6) / (1 + 2 * side), (side * 2 + 6 + side * 3) / (1 + 2 * side)
    same(ta.alma(np.array([1.0, 2, 6, 3]), 3, 3, 0.5, sequential=True), [NAN, NAN, first, second])
    same(ta.alma(np.array([1.0, 2]), 3, sequential=True), [NAN, NAN])


def test_chop_is_100_where_the_price_goes_nowhere() -> None:
    # three candles that swing over the same range of 2: true ranges 2, 2, 2 over a range of 2: log10(3)/log10(3)
    level = candles(*[(10, 11, 9, 10, 1)] * 4)
    assert ta.chop(level, 3) == pytest.approx(100)
    # straight up by 2 a candle without overlap: true ranges 3, 3 over a range of 5 in two candles: log10(6/5)/log10(2)
    straight = candles((10, 12, 10, 12, 1), (13, 15, 13, 15, 1), (16, 18, 16, 18, 1))
    assert ta.chop(straight, 2) == pytest.approx(100 * np.log10(6 / 5) / np.log10(2))
    assert np.isnan(ta.chop(candles(*[(5, 5, 5, 5, 1)] * 6), 3))


def test_zscore_counts_deviations() -> None:
    # 1, 3: mean 2, deviation 1; 3, 7: mean 5, deviation 2
    same(ta.zscore(np.array([1.0, 3, 7, 7]), 2, sequential=True), [NAN, 1, 1, NAN])
    assert ta.zscore(np.array([1.0, 3]), 2, nbdev=2) == 0.5


def test_jesses_order_of_parameters() -> None:
    seen = walk(120)
    columns = (np.ascontiguousarray(seen[:, at]) for at in (3, 4, 2))
    high, low, close = columns
    talib = library()
    assert ta.cc(seen, 11, 14, 10) == talib.COPPOCK(close, 10, 11, 14)[-1]
    assert ta.cvi(seen, 7) == talib.CVI(high, low, 7, 7)[-1]
    assert ta.cvi(seen, 7, 3) == talib.CVI(high, low, 7, 3)[-1]
    assert ta.mass(seen, 20) == talib.MASSI(high, low, 9, 20)[-1]
    assert ta.rvi(seen, 10, 14) == talib.RVI(close, 14, 10)[-1]
    with pytest.raises(TypeError, match="eri: sequential is True or False, not 1"):
        ta.eri(seen, 13, 1)


def test_an_indicator_of_an_indicator() -> None:
    seen = walk(120)
    assert ta.ema(ta.rsi(seen, 14, sequential=True), 9) == pytest.approx(ta.ema(ta.rsi(seen, 14, sequential=True)[14:], 9))
    for call in (ta.atr, ta.supertrend, ta.chop):
        with pytest.raises(ValueError, match="needs candles, not a single series"):
            call(seen[:, 2])


def test_sources_are_means_of_columns() -> None:
    seen = candles((10, 16, 8, 12, 3))
    given = {"hl2": 12, "hlc3": 12, "ohlc4": 11.5, "hlcc4": 12, "open": 10, "volume": 3}
    assert {name: ta.sma(np.repeat(seen, 2, axis=0), 2, name) for name in given} == given
