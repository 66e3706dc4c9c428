"""Faults of a virtual line: one class each, placed by a trigger (`trigger.py`)."""
