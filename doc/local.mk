## Documents
