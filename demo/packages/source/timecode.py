"""Timecodes of television: hours, minutes, seconds and frames, with 24 to 60 frames a second.

With 29.97 and 59.94 frames a second, timecodes are drop-frame: to keep up with the clock, they leave out the first
numbers of each minute, except for every tenth. They are written with a semicolon: `01:00:00;00`.
"""

import re
from dataclasses import dataclass

RATES = {"24": 24, "25": 25, "30": 30, "50": 50, "60": 60, "29.97": 30, "59.94": 60}
"""Frames a second, and up to which number they are counted."""

DROPS = {"29.97": 2, "59.94": 4}
"""How many numbers a minute leaves out."""

_TEXT = re.compile(r"(\d\d):([0-5]\d):([0-5]\d)([:;])(\d\d)", re.ASCII)


@dataclass(frozen=True)
class Timecode:
    """A number of frames since 00:00:00:00. Hours go from 00 to 23; the next day begins with 00."""

    frames: int
    rate: str = "25"

    @classmethod
    def parse(cls, text: str, rate: str = "25") -> "Timecode":
        """Raises ValueError for what is not a timecode of this rate."""
        if rate not in RATES:
            raise ValueError(f"{rate} is none of the rates {', '.join(RATES)}")
        found = _TEXT.fullmatch(text)
        if found is None or (found[4] == ";") != (rate in DROPS):
            raise ValueError(f"{text!r} is not a timecode such as {Timecode(0, rate)}")
        hours, minutes, seconds, frame = (int(found[group]) for group in (1, 2, 3, 5))
        counted, dropped = RATES[rate], DROPS.get(rate, 0)
        is_left_out = frame < dropped and seconds == 0 and minutes % 10 > 0
        if hours > 23 or frame >= counted or is_left_out:
            raise ValueError(f"there is no timecode {text} with {rate} frames a second")
        minute = hours * 60 + minutes
        return cls((minute * 60 + seconds) * counted + frame - dropped * (minute - minute // 10), rate)

    def __add__(self, other: "Timecode") -> "Timecode":
        if self.rate != other.rate:
            raise ValueError(f"{self.rate} and {other.rate} frames a second do not add up")
        return Timecode(self.frames + other.frames, self.rate)

    def __str__(self) -> str:
        counted, dropped = RATES[self.rate], DROPS.get(self.rate, 0)
        a_minute = 60 * counted - dropped
        tens, rest = divmod(self.frames, 10 * a_minute + dropped)
        # The first minute of ten leaves out nothing.
        minutes = max(0, rest - dropped) // a_minute
        numbers = self.frames + dropped * (9 * tens + minutes)
        seconds, frame = divmod(numbers, counted)
        hours, minutes, seconds = seconds // 3600 % 24, seconds // 60 % 60, seconds % 60
        return f"{hours:02}:{minutes:02}:{seconds:02}{';' if dropped else ':'}{frame:02}"
