"""Where a model looked, by `tf.GradientTape` on its flat graph."""
