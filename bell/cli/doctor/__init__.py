"""`bell doctor`: what is right, what is wrong and what to do, in plain words. One function a question."""
