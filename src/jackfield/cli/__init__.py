"""The command line: one file a command. It needs the extra ``cli`` (click, rich).

- ``main``: the entry point, which tells what to install where click or rich is missing.
- ``root``: the group of all commands, its options, and how failures end: with one message and an exit code.
- ``chat``, ``models``, ``plugins``, ``config``, ``doctor``, ``completion``: a command each.
- ``others``: commands that other distributions bring.
- ``interactive``: the session that ``chat`` holds on a terminal.
- ``answer``: one call, its text on stdout as it arrives.
- ``params``: types of options. ``source``: which configuration is meant. ``output``, ``toml``: how results are written.
- ``template``: the text of a first configuration. ``newfile``: a file that is written whole or not at all.

Exit codes: 0, 1 for a failure, 2 for a wrong use, 130 where the user interrupted. Results are on stdout, all else on
stderr.
"""
