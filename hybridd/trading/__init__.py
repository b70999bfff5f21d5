"""Trades: what they earned and what the sum of them says."""
