import sys

from stchat.cli.main import main

sys.exit(main())
