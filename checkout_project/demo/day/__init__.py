"""A day with one known break of every class and a known gap, and what the two reports find."""
