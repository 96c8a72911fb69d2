"""4. Takes memory until there is no more."""

held = []
while True:
    held.append(bytearray(16 << 20))
