"""Who asks: people, their roles and how far those reach, sessions (GW-01)."""
