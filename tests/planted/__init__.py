"""Bugs that we put there ourselves: a harness that can not find them proves nothing."""
