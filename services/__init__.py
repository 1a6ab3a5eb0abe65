"""Floor 2: what Aristobot does — everything that runs, and everything that touches the world outside."""
