"""Tables: usage, statements of mailing, rebates, refunds, franks seen."""
