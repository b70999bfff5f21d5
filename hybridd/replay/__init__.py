"""Recorded candles through the same pipeline."""
