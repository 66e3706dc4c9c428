"""Usage, statements of mailing, rebates, refunds, franks seen."""
