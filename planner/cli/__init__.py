"""The command line: parses, makes one library call, and prints the answer. Nothing is computed here.

======================  ==========================================================================
`planner.cli.app`       `main`: the entry point
`planner.cli.tree`      the commands, each imported when asked for, and the global options
`planner.cli.failures`  errors as sentences, and the exit codes
`planner.cli.command`   the decorator every command wears: options for output and catalog
`planner.cli.output`    `Answer` and how it becomes a table, JSON, CSV, JSON lines or a file
`planner.cli.people`    numbers as people read them
`planner.cli.session`   what the global options said
`planner.cli.values`    text and flags as the shell gives them
`planner.cli.options`   options that several commands share
`planner.cli.complete`  completion of names
`planner.cli.commands`  one module for each command, imported when it is asked for
======================  ==========================================================================

Nothing here imports numpy, pandas or the records before a command needs them.
"""
