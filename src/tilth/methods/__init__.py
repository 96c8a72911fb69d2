"""The published systems, one file each, grouped by family. `tilth.catalog` finds them by their headers."""
