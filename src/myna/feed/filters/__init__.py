"""What is dropped: one filter a file. Each has a case in the tests that it drops and one that it keeps."""
