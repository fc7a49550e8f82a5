"""What training and inference cost: the machine's hardware, its peak, the operations of a model."""
