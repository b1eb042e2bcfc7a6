"""Who is likely to want one item: signs of customers, odds learnt from the past, trials."""
