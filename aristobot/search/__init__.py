"""Looking for better parameters: where to look, on which candles, what counts as better, and what to doubt of the answer."""
