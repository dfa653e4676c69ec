"""The project's PostgreSQL backend, able to empty append-only tables between two tests."""
