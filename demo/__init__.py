"""The demo library: drawn and spoken videos with their ground truth, and the small models that know them."""
