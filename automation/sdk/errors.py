"""What a script raises, and what the platform raises in a script.

Tracebacks name the classes as authors import them: each says that it belongs to `automation.sdk`.
"""

_PACKAGE = "automation.sdk"


class ApiError(Exception):
    """Answers the caller with this status and a JSON error of this title, wherever in the script it is raised.

    `status` is from 400 to 599; the platform checks this, not the class. The caller sees `title` and `detail`, so
    neither may hold anything that is not meant for them.
    """

    __module__ = _PACKAGE

    def __init__(self, status: int, title: str, detail: str = "") -> None:
        if not isinstance(status, int) or isinstance(status, bool):
            raise TypeError("The status of an ApiError must be an int.")
        if not isinstance(title, str) or not isinstance(detail, str):
            raise TypeError("The title and the detail of an ApiError must be text.")
        super().__init__(status, title, detail)
        self.status = int(status)
        self.title = title
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.status} {self.title}" + (f" ({self.detail})" if self.detail else "")


class SubscriptFailed(Exception):  # noqa: N818 - the name is part of the contract with authors
    """A subscript failed, or could not be started; the text says why. `status` is that of the ApiError it raised."""

    __module__ = _PACKAGE

    def __init__(self, message: str = "", *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class CredentialNotAllowed(Exception):  # noqa: N818 - the name is part of the contract with authors
    """The credential `name` is not granted to the script, or there is none of this name."""

    __module__ = _PACKAGE

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"The script may not use a credential named {self.name!r}."


class UnknownScriptParameter(KeyError):  # noqa: N818 - the name is part of the contract with authors
    """The run has no script parameter of this name."""

    __module__ = _PACKAGE

    def __str__(self) -> str:
        return f"The script has no parameter named {self.args[0]!r}."


class ScriptExit(BaseException):
    """`exit_fail` or `exit_success` was called. Not an Exception, so that a script's own handlers do not catch it."""

    __module__ = _PACKAGE

    def __init__(self, message: str, *, failed: bool) -> None:
        super().__init__(message)
        self.message = message
        self.failed = failed
