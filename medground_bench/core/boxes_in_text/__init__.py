"""Boxes and phrases in the free text of an LVLM.

From the text to the boxes, each file uses those above it:

sides        the sides of a box, and which of them make one
words        the words of keys, orders, rasters, units and sides
meanings     what a key or a tag says of the numbers after it
statements   what is said of the boxes in an object, or in the text
prose        what prose says of order, raster and size of the picture
scopes       numbers, points, keys, and the open brackets they stand in
pieces       the boxes so far, the pieces that look like boxes, and the prose between
rows         numbers in a row, and points -> boxes
named_sides  numbers with the names of sides, which may stand apart -> boxes
reader       brackets and keys: what stands together
tables       tables with a header of sides
patterns     the tokens of a text, as regular expressions
tokens       the text, a token at a time, told to the reader
frames       which side each number is, in which raster: stated, or else the family's habit
boxes        the boxes of a text in the pixels of a picture, and the pieces refused
phrases      lists of phrases
"""

from medground_bench.core.boxes_in_text.boxes import BoxesRead, boxes_in
from medground_bench.core.boxes_in_text.phrases import phrases_in
from medground_bench.core.boxes_in_text.rasters import BoxConvention
from medground_bench.core.boxes_in_text.sides import SideOrder
from medground_bench.core.boxes_in_text.words import THOUSANDTHS

__all__ = ["THOUSANDTHS", "BoxConvention", "BoxesRead", "SideOrder", "boxes_in", "phrases_in"]
