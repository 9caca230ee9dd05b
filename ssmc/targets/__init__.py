"""How a cascade becomes the weights of one architecture."""
