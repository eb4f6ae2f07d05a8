"""A small U-Net that finds the 11 concepts on a chest X-ray, trained on phantoms alone. See `train` and the card."""
