"""What is served over HTTP. Imported only where something is: a server that is not there has no faults."""
