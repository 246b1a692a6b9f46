"""The query language, rule files and the matching engine. Pure but for `book`, which reads the files."""
