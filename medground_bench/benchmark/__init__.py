"""A benchmark folder: its tracks, cases, references and questions."""
