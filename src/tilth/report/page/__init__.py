"""The one-page report: sections of blocks, laid out by templates into one static file, or written as Markdown or JSON."""
