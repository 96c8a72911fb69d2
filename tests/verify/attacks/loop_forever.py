"""1. Never ends, ignores signals and undoes timers."""

import signal

for number in (signal.SIGALRM, signal.SIGTERM, signal.SIGINT, signal.SIGXCPU, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
while True:
    signal.setitimer(signal.ITIMER_REAL, 0)
