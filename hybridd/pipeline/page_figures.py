"""Figures as pages write them: the same as in messages."""

from hybridd.delivery.figures import clock_time, duration, percent, points, price, score, zone_of

__all__ = ["clock_time", "duration", "percent", "points", "price", "score", "zone_of"]
