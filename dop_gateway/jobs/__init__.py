"""What the gateway does by the clock of Asia/Kolkata, and the record of each run.

A *moment* is when something is due. For each moment of a job there is one row, made
before anything runs: so what was missed while the gateway was down is caught up, in
order, and a second gateway finds the row of the first. A run takes the row for a time
(its lease); one that crashed is run again when that time is over, and so a job must be
able to do the same moment again without doing harm.

`dues` computes moments, `scheduler` plans and runs, `serving` sleeps until the next.
"""
