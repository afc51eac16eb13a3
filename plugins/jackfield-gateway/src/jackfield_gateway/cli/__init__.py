"""The commands ``jackfield serve`` and ``jackfield keys``, one file each."""
