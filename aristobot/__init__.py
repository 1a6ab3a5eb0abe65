"""Floor 1: what Aristobot knows — values, the rules of trading, the memory. No network, no screen."""

__version__ = "0.1.0"
