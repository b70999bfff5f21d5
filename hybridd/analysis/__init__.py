"""The core's first room: candles and context in, readings out."""
