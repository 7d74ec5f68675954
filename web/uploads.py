"""The product takes no files, so no upload is ever kept, in memory or on disk."""

from typing import Any, NoReturn

from django.core.exceptions import SuspiciousMultipartForm
from django.core.files.uploadhandler import FileUploadHandler


class RefusingUploadHandler(FileUploadHandler):
    """Refuses the first file of a form before reading it; Django answers 400."""

    def new_file(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise SuspiciousMultipartForm("files are not accepted")

    # Never called, as there is no new file.
    receive_data_chunk = file_complete = new_file
