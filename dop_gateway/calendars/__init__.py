"""Holiday calendars: one for all, one more for each Circle, one for DCR's windows.

`model` names them, `reading` reads the list of a year, `store` keeps what a deployment
says and gives the `protocol.calendar.Calendar` that counts working days.
"""
