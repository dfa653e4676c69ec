"""Kills the real code at every point of every flow, and asks the books and the processor after."""
