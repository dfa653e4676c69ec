"""The document of the API: made from what each app says of its operations, and shown."""
