"""How the paper and the sources are cited, as BibTeX. The entries are those of the paper's own references."""

from __future__ import annotations

PAPER_PAGE = "https://arxiv.org/abs/2605.20158"
PAPER_TITLE = "Rethinking Visual Attribution for Chest X-ray Reasoning in Large Vision Language Models"
PAPER = f"""\
@article{{xiong2026rethinking,
  title   = {{{PAPER_TITLE}}},
  author  = {{Xiong, Guangzhi and Jin, Qiao and Sinha, Sanchit and Lu, Zhiyong and Zhang, Aidong}},
  journal = {{arXiv preprint arXiv:2605.20158}},
  year    = {{2026}}
}}"""

CHEST_IMAGENOME = """\
@inproceedings{wu2021chest,
  title     = {Chest {ImaGenome} Dataset for Clinical Reasoning},
  author    = {Wu, Joy T. and Agu, Nkechinyere N. and Lourentzou, Ismini and others},
  booktitle = {Advances in Neural Information Processing Systems, Datasets and Benchmarks Track (Round 2)},
  year      = {2021}
}"""

MIMIC_CXR_JPG = """\
@article{johnson2019mimic,
  title   = {{MIMIC-CXR-JPG}, a large publicly available database of labeled chest radiographs},
  author  = {Johnson, Alistair E. W. and Pollard, Tom J. and Greenbaum, Nathaniel R. and others},
  journal = {arXiv preprint arXiv:1901.07042},
  year    = {2019}
}"""

VINDR_CXR = """\
@article{nguyen2022vindr,
  title   = {{VinDr-CXR}: An open dataset of chest X-rays with radiologist's annotations},
  author  = {Nguyen, Ha Q. and Lam, Khanh and Le, Linh T. and Pham, Hieu H. and others},
  journal = {Scientific Data},
  volume  = {9},
  number  = {1},
  pages   = {429},
  year    = {2022},
  doi     = {10.1038/s41597-022-01498-w}
}"""

PADCHEST_GR = """\
@article{castro2025padchest,
  title   = {{PadChest-GR}: A Bilingual Chest X-ray Dataset for Grounded Radiology Report Generation},
  author  = {Castro, Daniel C. and Bustos, Aurelia and Bannur, Shruthi and others},
  journal = {NEJM AI},
  volume  = {2},
  number  = {7},
  pages   = {AIdbp2401120},
  year    = {2025},
  doi     = {10.1056/AIdbp2401120}
}"""

PHYSIONET = """\
@article{goldberger2000physiobank,
  title   = {{PhysioBank}, {PhysioToolkit}, and {PhysioNet}},
  author  = {Goldberger, Ary L. and Amaral, Luis A. N. and Glass, Leon and others},
  journal = {Circulation},
  volume  = {101},
  number  = {23},
  pages   = {e215--e220},
  year    = {2000},
  doi     = {10.1161/01.CIR.101.23.e215}
}"""
