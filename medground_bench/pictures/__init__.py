"""Radiographs: a file of any usual kind becomes a grey picture, and a grey picture the study frame.

reading                                 the one way in          content, files         what a file is and holds
raster, png_lines, deep_png             PNG, JPEG, BMP, WEBP    tiff, deep_tiff        TIFF
dicom, dicom_header, _pixels, _greys    DICOM, within bounds    frames, rle            its compressed frames
samples, greys                          any depth to 0..255     radiograph             what reading gives
sizes, silence                          what decoders may do    study                  the way on
"""

from medground_bench.pictures.content import READ
from medground_bench.pictures.files import SUFFIXES, picture_name
from medground_bench.pictures.greys import Levels
from medground_bench.pictures.radiograph import HowRead, Radiograph
from medground_bench.pictures.reading import radiograph_of, read_picture
from medground_bench.pictures.sizes import LARGEST_AREA_PX, SMALLEST_SIDE_PX
from medground_bench.pictures.study import Study, mask_to_study, picture_digest, to_study

__all__ = [
    "LARGEST_AREA_PX",
    "READ",
    "SMALLEST_SIDE_PX",
    "SUFFIXES",
    "HowRead",
    "Levels",
    "Radiograph",
    "Study",
    "mask_to_study",
    "picture_digest",
    "picture_name",
    "radiograph_of",
    "read_picture",
    "to_study",
]
