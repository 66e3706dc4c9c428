"""Credit that machines were given and gave back, as their makers tell it (RMFS-32).

A line is believed only as far as the machine itself has signed it: `judging` looks at
one line, `following` at what comes before it, `service` takes whole files. Whatever a
machine has signed is kept with its line, whether the line was taken or not.
"""
