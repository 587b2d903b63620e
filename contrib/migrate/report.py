# SPDX-License-Identifier: BSD-3-Clause
"""What became of a configuration: counts of what was converted, where and how the rest differs, and what steerd needs
nothing like. Every line names the place in the files it came from. The same finding at the same place is reported once."""


def clean(text):
    """Without control characters, and octets that are no text."""
    return "".join("?" if char < " " and char != "\t" or "\x7f" <= char < "\xa0" or "\ud800" <= char <= "\udfff" else char for char in text)


class Failure(Exception):
    """The configuration cannot be read at all; the text says where and why, and nothing in it commands a terminal."""

    def __init__(self, text):
        super().__init__(clean(text))


class Report:
    def __init__(self):
        self.converted = []    # texts
        self.approximated = {}  # (place, text) -> None: a dict keeps the order and drops repetitions
        self.left_out = {}
        self.needless = {}

    def count(self, number, one, many=None):
        if number:
            self.converted.append(f"{number} {one if number == 1 else many or one + 's'}")

    def approximate(self, place, text):
        """Converted, with a difference in behaviour that the text tells."""
        self.approximated[place, text] = None

    def leave_out(self, place, text):
        """Not converted, and why."""
        self.left_out[place, text] = None

    def pass_over(self, place, text):
        """Nothing has to come of it: no answer depends on it, or nothing uses it."""
        self.needless[place, text] = None

    def write(self, out):
        """Lines for a terminal, which nothing that stands in the files can command."""
        print("Converted: " + (", ".join(self.converted) or "nothing"), file=out)
        for title, findings in (("Approximated", self.approximated), ("Left out", self.left_out),
                                ("Not needed", self.needless)):
            if findings:
                print(f"\n{title} ({len(findings)}):", file=out)
            for place, text in findings:
                print(clean(f"  {place}: {text}"), file=out)
        if not self.left_out:
            print("\nNothing was left out.", file=out)

    def document(self):
        """All of it as JSON."""
        def listed(findings):
            return [{"place": place, "text": text} for place, text in findings]
        return {"converted": self.converted, "approximated": listed(self.approximated), "left_out": listed(self.left_out),
                "not_needed": listed(self.needless)}
