"""Indicators and helpers for strategies: `from aristobot.indicators import ta, utils`. Nothing here is imported by the house."""
