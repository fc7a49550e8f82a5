"""Cost of cycling augmented views in a frozen phase, measured on the validation films."""
