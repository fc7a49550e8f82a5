"""What saliency maps show and how far they can be trusted: measures, tables and their page."""
