"""From a folder of films to batches: films → protocol → uint8 cache → batches."""
