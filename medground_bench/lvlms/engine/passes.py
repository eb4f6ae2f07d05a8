"""How often a method goes through an LVLM: counted where the LVLM calls its model, by a counter that is handed in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Passes:
    """Counts of one case; a row is one picture with prompt and response going through the whole decoder.

    pictures            through the vision tower
    pictures_backward   of them, those with a gradient back through the tower
    rows                through the language model, from their beginning
    rows_continued      prompts and responses read after a picture that was read before, in this case or an earlier one
    rows_backward       of them, those with a gradient; a row whose gradient stops at half its layers counts half
    steps               single tokens written, on top of rows
    attention_layers    attention maps that were looked at, a layer of a row each
    whole_attention     whether those maps were whole or only the rows that predict the response
    """

    pictures: int = 0
    pictures_backward: int = 0
    rows: int = 0
    rows_continued: int = 0
    rows_backward: float = 0.0
    steps: int = 0
    attention_layers: int = 0
    whole_attention: bool = False

    def encode(self, pictures: int, *, backward: bool) -> None:
        """Pictures go through the vision tower, with a gradient back through it or without."""
        self.pictures += pictures
        self.pictures_backward += pictures * backward

    def read(self, rows: int, *, continued: bool) -> None:
        """Rows go through the language model, from their beginning or from the end of their picture."""
        if continued:
            self.rows_continued += rows
        else:
            self.rows += rows

    def differentiate(self, rows: float) -> None:
        """Rows are gone back through; one whose gradient stops on the way is a part of a row."""
        self.rows_backward = round(self.rows_backward + rows, 3)

    def write(self, tokens: int) -> None:
        """Tokens were written one at a time."""
        self.steps += tokens

    def look(self, layers: int, *, whole: bool) -> None:
        """Attention maps of so many layers are computed beside the fast path."""
        self.attention_layers += layers
        self.whole_attention |= whole
