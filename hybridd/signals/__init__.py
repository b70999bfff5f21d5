"""Readings to score, signal, confidence and change."""
