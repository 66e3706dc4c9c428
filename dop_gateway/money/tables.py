"""Tables: incidents, downloads, remaining funds, reconciliation."""
