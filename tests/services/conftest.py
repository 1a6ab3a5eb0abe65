"""The house on its street, for whoever asks for it."""

from tests.street import alice, bob, street

__all__ = ["alice", "bob", "street"]
