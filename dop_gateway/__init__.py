"""The Department's server (DCR): licences, deposits, files for makers, and reports."""
