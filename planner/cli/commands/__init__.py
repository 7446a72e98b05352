"""One module for each command; `planner.cli.app` names them and imports the one that is asked for."""
