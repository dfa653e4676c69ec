"""The one error of the embedded servers; its text says what to do."""


class EmbeddedError(RuntimeError):
    """The embedded servers cannot run here."""
