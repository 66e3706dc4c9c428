"""Tables: makers, applications, licences and their changes."""
