"""Pages over the Department's services. Only the place is kept yet."""
