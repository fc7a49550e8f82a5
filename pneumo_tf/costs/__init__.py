"""Cost of training and inference: hardware of the machine, its peak speed, operations of a model."""
