"""Edits by a latent diffusion model: edit-friendly inversion and the two-mask rule, on the parts of diffusers.

weights      where a model's parts are: a folder or a repository at a commit
parts        the network, the autoencoder and the text encoder, and what each is asked
inversion    a picture's latents to noise and back, with the edit inside a mask
"""
