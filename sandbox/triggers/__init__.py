"""What calls a function by itself: streams, queues, schedules, rules of the bus."""
