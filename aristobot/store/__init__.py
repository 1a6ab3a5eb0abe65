"""The memory: the only room that knows SQL. Repositories are plain functions of a session that knows its owner."""
