"""Pictures of a credentialed source, fetched by its user from PhysioNet: which, how politely, and how each is checked.

remote    files of a project, and which pictures the rows of a benchmark need
account   a name and a password that shows itself to nobody
pace      so many requests and bytes a second
server    the one way to ask PhysioNet, and what its refusals mean
download  one file: resumed, checked, whole or not at all
fetch     all of them, by a few connections
"""
