"""From the untrusted bytes of a prediction file to a submission, or to everything that is wrong with it. Pure."""
