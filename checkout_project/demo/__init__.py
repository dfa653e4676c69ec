"""`manage.py demo`: seven stories over HTTP, each with promises that are checked, not claimed."""
