"""Of the local AWS what those who hear of events need: a bus that a test fills itself."""


class Bus:
    """Hands what it takes to whoever listens."""

    def __init__(self):
        self.listeners = []

    def on_events(self, call):
        self.listeners.append(call)

    def take(self, *events):
        for call in self.listeners:
            call(list(events))
