"""The Department's server. Only the package's place is kept yet: nothing is built."""
