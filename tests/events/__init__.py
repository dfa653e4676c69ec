"""Telling: the feed, webhooks out, and where they may be sent."""
