"""Tables: banks, their files, and accounting."""
