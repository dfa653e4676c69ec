"""`manage.py demo`: eight stories over HTTP, each with promises that are checked, not claimed."""
