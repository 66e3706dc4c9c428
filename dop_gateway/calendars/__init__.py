"""Holiday calendars: one for all, one more for each Circle, one for DCR's windows."""
