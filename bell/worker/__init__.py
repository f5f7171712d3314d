"""The face of time: one loop and one timetable."""
