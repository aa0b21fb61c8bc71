from __future__ import annotations

import base64

import pytest

from stchat.data_api.scram import verifier


def test_example_of_rfc_7677() -> None:
    """The password and salt of its section 3."""
    assert verifier("pencil", base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")) == (
        "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$"
        "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
    )


def test_each_has_a_salt_of_its_own() -> None:
    assert verifier("pencil") != verifier("pencil")


@pytest.mark.parametrize("password", ["", "größe", "a\nb"])
def test_refused(password: str) -> None:
    with pytest.raises(ValueError, match=r"^password must be printable ASCII and not empty$"):
        verifier(password)
