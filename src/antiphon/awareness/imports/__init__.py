"""Imports: customers and events out of the files people have (CSV, packed or not, and spreadsheets), of any size.

Owns the tables `import_file`, `import` and `import_key`, and the folder `imports` of staged rows and error files. The lake
process reads the file; rows go to PostgreSQL in sets; what is wrong goes to an error file with its reason; importing the
same file twice adds nothing. Public: `ImportMap` and `parse_map`, the verbs `receive_file`, `take_file`, `preview` and
`begin_import`, the notice ImportFinished, and `people_of`: whom an import of customers made or changed.
"""

from antiphon.awareness.imports.model import ImportMap, parse_map
from antiphon.awareness.imports.notices import ImportFinished
from antiphon.awareness.imports.service import begin_import, preview, receive_file, take_file
from antiphon.awareness.imports.store import people_of

__all__ = [
    "ImportFinished", "ImportMap", "begin_import", "parse_map", "people_of", "preview", "receive_file", "take_file",
]  # fmt: skip
