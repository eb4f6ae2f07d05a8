"""How the tiny diffusion model of phantoms was made."""
