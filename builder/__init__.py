"""The maintainers' program: sources -> questions -> answers -> edits -> verdicts -> the dataset folder."""
