"""What a Lambda runtime hands to a handler beside the event."""

from __future__ import annotations


class LambdaContext:
    def __init__(self, seconds: float = 300) -> None:
        self.seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1000)
