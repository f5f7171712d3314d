"""The rehearsal: the main job without a browser, on a throw-away database, and the proof that it kept its promises."""
