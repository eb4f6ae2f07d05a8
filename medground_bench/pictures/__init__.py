"""Radiographs: a file of any usual kind becomes a grey picture, and a grey picture the study frame.

content   what a file is, by its bytes                raster, deep_png, tiff, deep_tiff   files of pixels
files     bytes and names                             dicom, dicom_header, _pixels, _greys  DICOM, bounded
greys     rules: any depth to 0..255                  reading   the one way in            study   the way on
"""

from medground_bench.pictures.content import READ
from medground_bench.pictures.files import SUFFIXES, picture_name
from medground_bench.pictures.greys import Levels
from medground_bench.pictures.how import HowRead, Reading
from medground_bench.pictures.reading import read_picture, reading_of
from medground_bench.pictures.sizes import LARGEST_AREA_PX, SMALLEST_SIDE_PX
from medground_bench.pictures.study import Study, mask_to_study, picture_digest, to_study

__all__ = [
    "LARGEST_AREA_PX",
    "READ",
    "SMALLEST_SIDE_PX",
    "SUFFIXES",
    "HowRead",
    "Levels",
    "Reading",
    "Study",
    "mask_to_study",
    "picture_digest",
    "picture_name",
    "read_picture",
    "reading_of",
    "to_study",
]
