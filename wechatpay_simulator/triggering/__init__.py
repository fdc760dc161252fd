"""Notifications that nothing has happened for: of any kind, also forged, with the receiver's answer judged."""
