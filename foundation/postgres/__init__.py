"""The database backend: Django's for PostgreSQL, asking a kept connection without a round trip."""
