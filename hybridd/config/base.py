"""What all sections share: frozen, strict, and closed to keys that nobody knows."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A table of the settings. Strict: "yes" is no boolean and 1.5 no whole number; a whole number is a number."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, hide_input_in_errors=True, defer_build=True
    )
