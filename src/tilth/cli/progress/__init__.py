"""How a run in progress is shown: live, plain, json or none. All read one snapshot that the engine updates."""
