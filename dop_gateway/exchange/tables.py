"""Tables: parties, and the files that went and came."""
