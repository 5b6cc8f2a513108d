"""Answers from recorded Datasets: KPIs, headroom, balances, placement."""
