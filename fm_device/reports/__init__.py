"""The reports that a machine prints, for people on paper and for programs as JSON.

Someone who runs a machine says what it is and what it counted (`facts`); a function of
`funds`, `service`, `usage` or `mailing` checks that and makes a `Report`; `text` or
`pdf` lays its document out. Figures that do not add up make no report: `InvariantError`
names them.

The forms are this product's own, and every sheet says so: the Department's (statement
of mailing: Annexure G and the pages around it of the 2010 procedure) are not public.

Source: docs/reports.md; docs/decisions/reports-as-pdf.md.
"""
