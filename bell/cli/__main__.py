"""Run the command as `python -m bell.cli`, for children that a command starts."""

from bell.cli.main import main

main()
