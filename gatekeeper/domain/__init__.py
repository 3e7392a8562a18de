"""Values and rules; no I/O, no clock. Read the files in the order of the import contract."""
