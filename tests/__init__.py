"""The tests: `python -m tests` runs all of them, with nothing but Python installed."""
