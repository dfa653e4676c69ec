"""The gap between what analytics counted and what was bought: measured, with causes, by day."""
