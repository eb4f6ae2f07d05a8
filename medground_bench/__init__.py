"""MedGround-Bench: causally validated visual attribution for chest X-rays."""

__version__ = "0.1.0"
