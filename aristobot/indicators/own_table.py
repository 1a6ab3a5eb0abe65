"""The indicators that TA-Lib lacks, or that Jesse gives in another shape: rows as in TA-Lib's table, the second column being
the file they stand in. They go before TA-Lib's rows of the same name. Then Jesse's other names for rows of TA-Lib.
"""

ROWS = """
acosc | oscillators | | osc change | Accelerator/Decelerator Oscillator and its change
anchored_vwap | sessions | anchor='' source_type='hlc3' | | Volume Weighted Average Price since a moment (ISO text or ms)
ao | oscillators | | osc change | Awesome Oscillator and its change
bollinger_bands_width | bands | period=20 mult=2.0 source_type='close' | | Width of the Bollinger Bands as a share of their middle
di | oscillators | period=14 | plus minus | Directional Indicators
dm | oscillators | period=14 | plus minus | Directional Movements
heikin_ashi_candles | trend | | open close high low | Heikin-Ashi candles
ichimoku_cloud | trend | conversion_line_period=9 base_line_period=26 lagging_line_period=52 displacement=26 \
| conversion_line base_line span_a span_b | Ichimoku Cloud as it stands at the present candle
ichimoku_cloud_seq | trend | conversion_line_period=9 base_line_period=26 lagging_line_period=52 displacement=26 \
| conversion_line base_line span_a span_b lagging_line future_span_a future_span_b | Ichimoku Cloud with the cloud ahead
keltner | bands | period=20 multiplier=2.0 matype=1 source_type='close' | upperband middleband lowerband | Keltner Channels
pivot | sessions | mode=0 anchor='' | r4 r3 r2 r1 pp s1 s2 s3 s4 \
| Pivot Points (0 classic, 1 Fibonacci, 2 DeMark, 3 Camarilla, 4 Woodie)
srsi | oscillators | period=14 period_stoch=14 k=3 d=3 source_type='close' | k d | Stochastic RSI, smoothed
supertrend | trend | period=10 factor=3.0 | trend changed | SuperTrend: its line, and 1 where it turned
vwap | sessions | source_type='hlc3' anchor='D' | | Volume Weighted Average Price of the session (D, W, M, 4h, …)
"""

ALIASES = {
    "bollinger_bands": "bbands",
    "donchian_channels": "donchian",
    "heikin_ashi": "heikin_ashi_candles",
    "ichimoku": "ichimoku_cloud_seq",
    "keltner_channels": "keltner",
    "mass": "massi",
    "pivot_points": "pivot",
    "smma": "rma",
    "stoch_rsi": "srsi",
    "vi": "vortex",
    "wilders": "rma",
}
