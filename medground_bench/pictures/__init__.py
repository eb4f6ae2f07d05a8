"""Radiographs: a file of any usual kind becomes a grey picture, and a grey picture the study frame.

reading                                 the one way in          content, files         what a file is and holds
raster, png_lines, deep_png             PNG, JPEG, BMP, WEBP    tiff, deep_tiff        TIFF
dicom, dicom_header, _pixels, _greys    DICOM, within bounds    codestreams, rle       its compressed frames
samples, spare_bits                     stored bits to values   greys                  values to greys 0..255
sizes, libtiff_messages                 what decoders may do    radiograph             what reading gives
study                                   the study frame         stored_png             the benchmark's own pictures
reader_code                             which reader it is

A 16-bit PNG: `raster` hands it to `deep_png`, which unpacks its samples; `greys` makes 0..255 of them by a rule.
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
