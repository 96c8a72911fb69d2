"""What runs inside the sandbox: standard library only, nothing of tilth. Mounted read-only under another name there."""
