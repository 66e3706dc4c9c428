"""Looks at a server from all sides, changes nothing, and says what to do."""
