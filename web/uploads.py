"""Nothing that the product offers takes a file, so no upload is ever kept, in memory or on disk."""

from typing import Any, NoReturn

from django.core.exceptions import SuspiciousMultipartForm
from django.core.files.uploadhandler import FileUploadHandler


class RefusingUploadHandler(FileUploadHandler):
    """Refuses the first file of a form before any of it is read; the answer is 400."""

    def new_file(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse it.

        Raises:
            SuspiciousMultipartForm: always.
        """
        raise SuspiciousMultipartForm("files are not accepted")

    def receive_data_chunk(self, raw_data: bytes, start: int) -> NoReturn:
        """Not reached: there is no new file.

        Raises:
            SuspiciousMultipartForm: always.
        """
        raise SuspiciousMultipartForm("files are not accepted")

    def file_complete(self, file_size: int) -> None:
        """No file is ever complete."""
