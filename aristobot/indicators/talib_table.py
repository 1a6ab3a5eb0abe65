"""Every function of TA-Lib 0.8 in Jesse's names and with Jesse's defaults where it has them. A test holds the table
against the library itself.

name | inputs | parameters | fields | what it is. An input is a column of the candles; `source` and `other` are chosen by the
parameters source_type and other_source_type; `periods` is an array. Parameters stand in TA-Lib's own order.
"""

ROWS = """
ac | high low | fast_period=5 slow_period=34 signal_period=5 | | Accelerator/Decelerator Oscillator
accbands | high low close | period=20 | upperband middleband lowerband | Acceleration Bands
acos | source | | | Vector Trigonometric ACos
ad | high low close volume | | | Chaikin A/D Line
add | source other | | | Vector Arithmetic Add
adosc | high low close volume | fast_period=3 slow_period=10 | | Chaikin A/D Oscillator
adr | high low | period=14 | | Average Day Range
adx | high low close | period=14 | | Average Directional Movement Index
adxr | high low close | period=14 | | Average Directional Movement Index Rating
ao | high low | fast_period=5 slow_period=34 | | Awesome Oscillator
apo | source | fast_period=12 slow_period=26 matype=0 | | Absolute Price Oscillator
aroon | high low | period=14 | down up | Aroon
aroonosc | high low | period=14 | | Aroon Oscillator
asin | source | | | Vector Trigonometric ASin
atan | source | | | Vector Trigonometric ATan
atr | high low close | period=14 | | Average True Range
avgdev | source | period=14 | | Average Deviation
avgprice | open high low close | | | Average Price
bbands | source | period=20 devup=2.0 devdn=2.0 matype=0 | upperband middleband lowerband | Bollinger Bands
beta | source other | period=5 | | Beta
bop | open high low close | | | Balance Of Power
cci | high low close | period=14 | | Commodity Channel Index
cdl2crows | open high low close | | | Two Crows
cdl3blackcrows | open high low close | | | Three Black Crows
cdl3inside | open high low close | | | Three Inside Up/Down
cdl3linestrike | open high low close | | | Three-Line Strike
cdl3outside | open high low close | | | Three Outside Up/Down
cdl3starsinsouth | open high low close | | | Three Stars In The South
cdl3whitesoldiers | open high low close | | | Three Advancing White Soldiers
cdlabandonedbaby | open high low close | penetration=0.3 | | Abandoned Baby
cdladvanceblock | open high low close | | | Advance Block
cdlbelthold | open high low close | | | Belt-hold
cdlbreakaway | open high low close | | | Breakaway
cdlclosingmarubozu | open high low close | | | Closing Marubozu
cdlconcealbabyswall | open high low close | | | Concealing Baby Swallow
cdlcounterattack | open high low close | | | Counterattack
cdldarkcloudcover | open high low close | penetration=0.5 | | Dark Cloud Cover
cdldoji | open high low close | | | Doji
cdldojistar | open high low close | | | Doji Star
cdldragonflydoji | open high low close | | | Dragonfly Doji
cdlengulfing | open high low close | | | Engulfing Pattern
cdleveningdojistar | open high low close | penetration=0.3 | | Evening Doji Star
cdleveningstar | open high low close | penetration=0.3 | | Evening Star
cdlgapsidesidewhite | open high low close | | | Up/Down-gap side-by-side white lines
cdlgravestonedoji | open high low close | | | Gravestone Doji
cdlhammer | open high low close | | | Hammer
cdlhangingman | open high low close | | | Hanging Man
cdlharami | open high low close | | | Harami Pattern
cdlharamicross | open high low close | | | Harami Cross Pattern
cdlhighwave | open high low close | | | High-Wave Candle
cdlhikkake | open high low close | | | Hikkake Pattern
cdlhikkakemod | open high low close | | | Modified Hikkake Pattern
cdlhomingpigeon | open high low close | | | Homing Pigeon
cdlidentical3crows | open high low close | | | Identical Three Crows
cdlinneck | open high low close | | | In-Neck Pattern
cdlinvertedhammer | open high low close | | | Inverted Hammer
cdlkicking | open high low close | | | Kicking
cdlkickingbylength | open high low close | | | Kicking - bull/bear determined by the longer marubozu
cdlladderbottom | open high low close | | | Ladder Bottom
cdllongleggeddoji | open high low close | | | Long Legged Doji
cdllongline | open high low close | | | Long Line Candle
cdlmarubozu | open high low close | | | Marubozu
cdlmatchinglow | open high low close | | | Matching Low
cdlmathold | open high low close | penetration=0.5 | | Mat Hold
cdlmorningdojistar | open high low close | penetration=0.3 | | Morning Doji Star
cdlmorningstar | open high low close | penetration=0.3 | | Morning Star
cdlonneck | open high low close | | | On-Neck Pattern
cdlpiercing | open high low close | | | Piercing Pattern
cdlrickshawman | open high low close | | | Rickshaw Man
cdlrisefall3methods | open high low close | | | Rising/Falling Three Methods
cdlseparatinglines | open high low close | | | Separating Lines
cdlshootingstar | open high low close | | | Shooting Star
cdlshortline | open high low close | | | Short Line Candle
cdlspinningtop | open high low close | | | Spinning Top
cdlstalledpattern | open high low close | | | Stalled Pattern
cdlsticksandwich | open high low close | | | Stick Sandwich
cdltakuri | open high low close | | | Takuri (Dragonfly Doji with very long lower shadow)
cdltasukigap | open high low close | | | Tasuki Gap
cdlthrusting | open high low close | | | Thrusting Pattern
cdltristar | open high low close | | | Tristar Pattern
cdlunique3river | open high low close | | | Unique 3 River
cdlupsidegap2crows | open high low close | | | Upside Gap Two Crows
cdlxsidegap3methods | open high low close | | | Upside/Downside Gap Three Methods
ceil | source | | | Vector Ceil
cmf | high low close volume | period=20 | | Chaikin Money Flow
cmo | source | period=14 | | Chande Momentum Oscillator
cmou | source | period=14 | | Chande Momentum Oscillator (Unsmoothed)
coppock | source | wma_period=10 roc1_period=11 roc2_period=14 | | Coppock Curve
correl | source other | period=5 | | Pearson's Correlation Coefficient (r)
cos | source | | | Vector Trigonometric Cos
cosh | source | | | Vector Trigonometric Cosh
cumsum | source | | | Cumulative Sum
cvi | high low | period=10 roc_period=10 | | Chaikin's Volatility
dema | source | period=30 | | Double Exponential Moving Average
div | source other | | | Vector Arithmetic Div
donchian | high low | period=20 | upperband middleband lowerband | Donchian Channels
dpo | source | period=5 | | Detrended Price Oscillator
dx | high low close | period=14 | | Directional Movement Index
efi | close volume | period=13 | | Elder's Force Index
ema | source | period=5 | | Exponential Moving Average
er | source | period=5 | | Kaufman Efficiency Ratio
eri | high low close | period=13 | bull bear | Elder Ray Index (Bull Power / Bear Power)
exp | source | | | Vector Arithmetic Exp
floor | source | | | Vector Floor
fosc | source | period=5 | | Forecast Oscillator
fractal | high low | left_bars=2 right_bars=2 | swing_high swing_low | Williams Fractal
ha | open high low close | | open high low close | Heikin-Ashi Candles
hma | source | period=5 | | Hull Moving Average
ht_dcperiod | source | | | Hilbert Transform - Dominant Cycle Period
ht_dcphase | source | | | Hilbert Transform - Dominant Cycle Phase
ht_phasor | source | | inphase quadrature | Hilbert Transform - Phasor Components
ht_sine | source | | sine lead | Hilbert Transform - SineWave
ht_trendline | source | | | Hilbert Transform - Instantaneous Trendline
ht_trendmode | source | | | Hilbert Transform - Trend vs Cycle Mode
imi | open close | period=14 | | Intraday Momentum Index
kama | source | period=14 | | Kaufman Adaptive Moving Average
kc | high low close | period=20 atr_period=10 nbdev=2.0 | upperband middleband lowerband | Keltner Channels
kdj | high low close | fastk_period=9 slowk_period=3 slowk_matype=0 slowd_period=3 slowd_matype=0 | k d j | KDJ Stochastic
linearreg | source | period=14 | | Linear Regression
linearreg_angle | source | period=14 | | Linear Regression Angle
linearreg_intercept | source | period=14 | | Linear Regression Intercept
linearreg_slope | source | period=14 | | Linear Regression Slope
ln | source | | | Vector Log Natural
log10 | source | | | Vector Log10
ma | source | period=30 matype=0 | | Moving average
macd | source | fast_period=12 slow_period=26 signal_period=9 | macd signal hist | Moving Average Convergence/Divergence
macdext | source | fast_period=12 fast_matype=0 slow_period=26 slow_matype=0 \
signal_period=9 signal_matype=0 | macd signal hist | MACD with controllable MA type
macdfix | source | signal_period=9 | macd signal hist | Moving Average Convergence/Divergence Fix 12/26
mama | source | fastlimit=0.5 slowlimit=0.05 | mama fama | MESA Adaptive Moving Average
marketfi | high low volume | | | Market Facilitation Index
massi | high low | fast_period=9 slow_period=25 | | Mass Index
mavp | source periods | min_period=2 max_period=30 matype=0 | | Moving average with variable period
max | source | period=30 | | Highest value over a specified period
maxindex | source | period=30 | | Index of highest value over a specified period
medprice | high low | | | Median Price
mfi | high low close volume | period=14 | | Money Flow Index
midpoint | source | period=14 | | MidPoint over period
midprice | high low | period=14 | | Midpoint Price over period
min | source | period=30 | | Lowest value over a specified period
minindex | source | period=30 | | Index of lowest value over a specified period
minmax | source | period=30 | min max | Lowest and highest values over a specified period
minmaxindex | source | period=30 | min max | Indexes of lowest and highest values over a specified period
minus_di | high low close | period=14 | | Minus Directional Indicator
minus_dm | high low | period=14 | | Minus Directional Movement
mom | source | period=10 | | Momentum
mult | source other | | | Vector Arithmetic Mult
natr | high low close | period=14 | | Normalized Average True Range
nvi | close volume | | | Negative Volume Index
obv | source volume | | | On Balance Volume
percentile | source | period=30 percentile=50.0 | | Percentile (nearest rank)
percentrank | source | period=100 | | Percent Rank
plus_di | high low close | period=14 | | Plus Directional Indicator
plus_dm | high low | period=14 | | Plus Directional Movement
ppo | source | fast_period=12 slow_period=26 matype=0 | | Percentage Price Oscillator
pvi | close volume | | | Positive Volume Index
pvo | volume | fast_period=12 slow_period=26 matype=1 | | Percentage Volume Oscillator
pvt | close volume | | | Price Volume Trend
qstick | open close | period=5 | | Qstick
rma | source | length=14 | | Wilder's Smoothed Moving Average
roc | source | period=10 | | Rate of change : ((price/prevPrice)-1)*100
rocp | source | period=10 | | Rate of change Percentage: (price-prevPrice)/prevPrice
rocr | source | period=10 | | Rate of change ratio: (price/prevPrice)
rocr100 | source | period=10 | | Rate of change ratio 100 scale: (price/prevPrice)*100
rsi | source | period=14 | | Relative Strength Index
rvi | source | period=14 stddev_period=10 | | Relative Volatility Index
rvol | volume | period=20 | | Relative Volume
sar | high low | acceleration=0.02 maximum=0.2 | | Parabolic SAR
sarext | high low | start_value=0.0 offset_on_reverse=0.0 acceleration_init_long=0.02 acceleration_long=0.02 \
acceleration_max_long=0.2 acceleration_init_short=0.02 acceleration_short=0.02 acceleration_max_short=0.2 | | Extended SAR
sin | source | | | Vector Trigonometric Sin
sinh | source | | | Vector Trigonometric Sinh
sma | source | period=5 | | Simple Moving Average
smi | high low close | period=13 fast_period=2 slow_period=25 signal_period=9 | smi signal | Stochastic Momentum Index
sqrt | source | | | Vector Square Root
stddev | source | period=5 nbdev=1.0 | | Standard Deviation
stoch | high low close | fastk_period=14 slowk_period=3 slowk_matype=0 slowd_period=3 slowd_matype=0 | k d | Stochastic
stochf | high low close | fastk_period=5 fastd_period=3 fastd_matype=0 | k d | Stochastic Fast
stochrsi | source | period=14 fastk_period=5 fastd_period=3 fastd_matype=0 | k d | Stochastic Relative Strength Index
sub | source other | | | Vector Arithmetic Subtraction
sum | source | period=30 | | Summation
supertrend | high low close | period=10 multiplier=3.0 | supertrend trend | SuperTrend
t3 | source | period=5 vfactor=0.0 | | Triple Exponential Moving Average (T3)
tan | source | | | Vector Trigonometric Tan
tanh | source | | | Vector Trigonometric Tanh
tema | source | period=9 | | Triple Exponential Moving Average
trange | high low close | | | True Range
trima | source | period=30 | | Triangular Moving Average
trix | source | period=18 | | 1-day Rate-Of-Change (ROC) of a Triple Smooth EMA
tsf | source | period=14 | | Time Series Forecast
tsi | source | long_period=25 short_period=13 | | True Strength Index
typprice | high low close | | | Typical Price
ultosc | high low close | timeperiod1=7 timeperiod2=14 timeperiod3=28 | | Ultimate Oscillator
var | source | period=14 nbdev=1.0 | | Variance
vhf | source | period=28 | | Vertical Horizontal Filter
vortex | high low close | period=14 | plus minus | Vortex Indicator
vwap | high low close volume | | | Volume Weighted Average Price
vwma | source volume | period=20 | | Volume Weighted Moving Average
wad | high low close | | | Williams' Accumulation/Distribution
wclprice | high low close | | | Weighted Close Price
willr | high low close | period=14 | | Williams' %R
wma | source | period=30 | | Weighted Moving Average
zlema | source | period=20 | | Zero-Lag Exponential Moving Average
"""
