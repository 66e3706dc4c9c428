"""House rules as tests: what would rot if nothing checked it."""
