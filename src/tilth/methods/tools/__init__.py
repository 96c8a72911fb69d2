"""Methods that grow trajectories of tool calls."""
