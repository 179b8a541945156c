"""The one exception for what a user can cause and mend."""


class Problem(Exception):
    """Something the user can mend. The message is one or two sentences: what was wrong, where, and what to do.

    status: the HTTP status an API answers with (RFC 9457 problem details). A command prints the message, not a trace.
    """

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


class NotFound(Problem):
    """The named thing does not exist, or is not for this person to know of."""

    def __init__(self, message: str) -> None:
        super().__init__(message, 404)


class Forbidden(Problem):
    """The gate refused."""

    def __init__(self, message: str) -> None:
        super().__init__(message, 403)
