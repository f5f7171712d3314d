"""What is wrong with what somebody typed, by the field it stands in."""


class FieldProblems(ValueError):
    """What was typed cannot be used. `problems` maps a field of the form ("" for none) to words for who typed it."""

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__(" ".join(problems.values()))
        self.problems = problems
