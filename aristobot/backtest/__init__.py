"""Backtests: candles, a strategy and costs make a result. Fast, exact where money moves, and it says what it assumed."""
