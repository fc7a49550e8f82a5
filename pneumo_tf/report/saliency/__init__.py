"""The page of explanations: measures of saliency maps, their tables and verdicts."""
