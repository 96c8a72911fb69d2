"""9. Ends with success while it is loaded."""

import os

print("all tests passed")
os._exit(0)
