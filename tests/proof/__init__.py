"""The whole proof in one run: every part, its numbers, and a page that is written by the run."""
