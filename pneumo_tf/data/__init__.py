"""Films, protocols, the cache of decoded pixels, and the batches made from them."""
