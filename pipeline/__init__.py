"""A podcast publishing pipeline: recordings of learning sets in, a published feed and site out."""

__version__ = "0.1.0"
