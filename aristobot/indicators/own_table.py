"""The indicators that TA-Lib lacks, or that Jesse gives in another shape: rows as in TA-Lib's table, the second column being
the file they stand in, and `source` where a single series will do. They go before TA-Lib's rows of the same name. Then the other
names by which some are known.
"""

ROWS = """
acosc | oscillators | | osc change | Accelerator/Decelerator Oscillator and its change
alligator | averages source | source_type='hl2' | jaw teeth lips | Alligator: averages of 13, 8, 5 candles, drawn 8, 5, 3 later
alma | averages source | period=9 sigma=6.0 distribution_offset=0.85 source_type='close' | | Arnaud Legoux Moving Average
anchored_vwap | sessions | anchor='' source_type='hlc3' | | Volume Weighted Average Price since a moment (ISO text or ms)
ao | oscillators | | osc change | Awesome Oscillator and its change
bollinger_bands_width | bands source | period=20 mult=2.0 source_type='close' | | Bollinger BandWidth: a share of the middle
cc | oscillators source | fast_period=11 slow_period=14 period=10 source_type='close' | | Coppock Curve
chop | oscillators | period=14 scalar=100.0 | | Choppiness Index
cvi | oscillators | period=5 roc_period=0 | | Chaikin's Volatility (roc_period 0: the same period)
di | oscillators | period=14 | plus minus | Directional Indicators
dm | oscillators | period=14 | plus minus | Directional Movements
heikin_ashi_candles | trend | | open close high low | Heikin-Ashi candles
ichimoku_cloud | trend | conversion_line_period=9 base_line_period=26 lagging_line_period=52 displacement=26 \
| conversion_line base_line span_a span_b | Ichimoku Cloud as it stands at the present candle
ichimoku_cloud_seq | trend | conversion_line_period=9 base_line_period=26 lagging_line_period=52 displacement=26 \
| conversion_line base_line span_a span_b lagging_line future_span_a future_span_b | Ichimoku Cloud with the cloud ahead
keltner | bands | period=20 multiplier=2.0 matype=1 source_type='close' | upperband middleband lowerband | Keltner Channels
mass | oscillators | period=5 | | Mass Index: averages of 9, summed over the period
pivot | sessions | mode=0 anchor='' | r4 r3 r2 r1 pp s1 s2 s3 s4 \
| Pivot Points (0 classic, 1 Fibonacci, 2 DeMark, 3 Camarilla, 4 Woodie)
rvi | oscillators source | period=10 ma_len=14 source_type='close' | | Relative Volatility Index
smma | averages source | period=5 source_type='close' | | Smoothed Moving Average (Wilder's)
srsi | oscillators source | period=14 period_stoch=14 k=3 d=3 source_type='close' | k d | Stochastic RSI, smoothed
supertrend | trend | period=10 factor=3.0 | trend changed | SuperTrend: its line, and 1 where it turned
vwap | sessions | source_type='hlc3' anchor='D' | | Volume Weighted Average Price of the session (D, W, M, 4h, …)
wilders | averages source | period=5 source_type='close' | | Wilder's Smoothed Moving Average
zscore | bands source | period=14 matype=0 nbdev=1.0 source_type='close' | | Deviations of the price from its average
"""

ALIASES = {
    "bollinger_bands": "bbands",
    "donchian_channels": "donchian",
    "heikin_ashi": "heikin_ashi_candles",
    "ichimoku": "ichimoku_cloud_seq",
    "keltner_channels": "keltner",
    "pivot_points": "pivot",
    "stoch_rsi": "srsi",
    "vi": "vortex",
}
