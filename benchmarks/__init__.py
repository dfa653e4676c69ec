"""The load, the limit it is compared with, the report."""
