import os
import signal
import sys

from stchat.cli.main import main

try:
    code = main()
    sys.stdout.flush()
except BrokenPipeError:  # whoever reads this, such as `head`, has read enough
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    code = 128 + signal.SIGPIPE
sys.exit(code)
