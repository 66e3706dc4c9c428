"""Banks, their files, and accounting."""
