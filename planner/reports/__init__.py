"""Reports: an answer with its figures, tables, assumptions and sources as one page of HTML."""
