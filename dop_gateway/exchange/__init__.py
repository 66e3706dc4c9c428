"""Parties, and the files that went and came."""
