"""Getting a feed's bytes: `policy` says when and how (pure), `http` does it, `sample` serves the bundled feed."""
