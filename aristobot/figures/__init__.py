"""What a run came to: the figures of a report, each with its formula."""
