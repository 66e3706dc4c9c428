"""Banks and the e-Payment Central Server: their files, held against their account."""
