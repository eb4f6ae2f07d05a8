"""Boxes and phrases in the free text of an LVLM.

From the text to the boxes, each file uses those above it:

sides     the sides of a box, and which of them make one
words     the words of keys, orders, rasters, units and sides
meanings  what a key or a tag says of the numbers after it
statements  what is said of order and raster in entries and in prose
groups    numbers, points, keys and open brackets
assembly  numbers that stand together -> boxes with their sides
reader    brackets and keys: what stands together
tables    tables with a header of sides
tokens    the text, a token at a time, told to the reader
frames    which side each number is, in which raster: stated, or else the family's habit
boxes     the boxes of a text in the pixels of a picture, and the pieces refused
phrases   lists of phrases
"""

from medground_bench.boxes_in_text.boxes import BoxesRead, boxes_in
from medground_bench.boxes_in_text.frames import BoxConvention
from medground_bench.boxes_in_text.phrases import phrases_in
from medground_bench.boxes_in_text.sides import Order
from medground_bench.boxes_in_text.words import THOUSANDTHS

__all__ = ["THOUSANDTHS", "BoxConvention", "BoxesRead", "Order", "boxes_in", "phrases_in"]
