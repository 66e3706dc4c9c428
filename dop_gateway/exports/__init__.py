"""Lists as files: one filter makes one table, and the table is written in any format.

A screen and its export ask with the same filter object, so that they never show other
rows. `table` is the model, `writing` chooses the writer; each writer takes the rows as
they come and keeps none.

Source: GW-08; requirements, section 11 no. 8.
"""
