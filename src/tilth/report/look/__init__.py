"""Looking at rows for the report: aggregates and seeded samples, in passes of flat memory over files of any size."""
