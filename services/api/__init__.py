"""The interface for programs: REST under /api, feeds under /ws, health. One file per resource; bearer tokens, never cookies."""
