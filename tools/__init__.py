"""Programs for those who work on cln-media itself."""
