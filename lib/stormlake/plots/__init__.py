"""Pictures: maps of a product. Nothing here needs Spark or a display."""
