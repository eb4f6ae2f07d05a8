"""The card of what is published: README.md, eval.yaml, croissant.json, LICENSE, from rows and a few facts.

    about = About("org/medground-bench", Level.KEYS, changes=("v2: adds gemma3_4b", "v1: first release"))
    files = card_files(DatasetFolder(path), about)  # name -> bytes; the same rows and facts give the same bytes
    changes_of(published_readme)  # what a card tells as its changes, newest first, for the next release

The names of the fields in the form by which readers ask for access are in `gate`.
"""
